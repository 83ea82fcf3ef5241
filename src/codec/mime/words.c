#include "codec/mime/words.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "codec/mime/charset.h"
#include "codec/mime/header.h"
#include "codec/mime/transfer.h"

/* RFC 2047 2: =?charset?encoding?text?=, RFC 2231 5: with *language after the charset. */
struct word {
	struct str charset;
	struct str text;
	bool base64;
	size_t n;    /* bytes of the whole word */
};

/* Neighbouring words of one charset, whose bytes wait for conversion together. */
struct run {
	struct str source;     /* all of it as written */
	struct str charset;
	struct buf bytes;
};

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 32 || (unsigned char)s.p[i] >= 127 || strchr("()<>@,;:\"/[]?.=", s.p[i]))
			return false;
	return s.n > 0;
}

static bool is_base64_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alnum((unsigned char)s.p[i]) && s.p[i] != '+' && s.p[i] != '/' && s.p[i] != '=')
			return false;
	return true;
}

static bool is_hex(char c) { return ascii_hex_value((unsigned char)c) >= 0; }

/* RFC 2047 4.2. */
static bool is_q_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] <= 32 || s.p[i] == 127)
			return false;
		if (s.p[i] != '=')
			continue;
		if (s.n - i < 3 || !is_hex(s.p[i + 1]) || !is_hex(s.p[i + 2]))
			return false;
		i += 2;
	}
	return true;
}

/* At "=?". The charset and text are cut at question marks, which neither may hold. */
static bool parse_word(struct str s, struct word *out)
{
	struct str rest = str_from(s, 2), charset, encoding, language;
	if (!str_cut(rest, '?', &charset, &rest) || !str_cut(rest, '?', &encoding, &rest) || encoding.n != 1)
		return false;
	size_t end = str_chr(rest, '?');
	if (end == STR_NPOS || end + 1 >= rest.n || rest.p[end + 1] != '=')
		return false;
	str_cut(charset, '*', &out->charset, &language);
	out->text = str_sub(rest, 0, end);
	out->base64 = ascii_lower(encoding.p[0]) == 'b';
	out->n = (size_t)(rest.p + end + 2 - s.p);
	if (!out->base64 && ascii_lower(encoding.p[0]) != 'q')
		return false;
	return is_token(out->charset) && (out->base64 ? is_base64_text(out->text) : is_q_text(out->text));
}

static void add_word_bytes(const struct word *word, struct buf *out)
{
	if (word->base64) {
		mime_transfer_decode(MIME_BASE64, word->text, out);
		return;
	}
	for (size_t i = 0; i < word->text.n; i++) {
		const char *p = word->text.p + i;
		if (*p == '=') {
			buf_add_char(out, (char)(ascii_hex_value((unsigned char)p[1]) * 16 + ascii_hex_value((unsigned char)p[2])));
			i += 2;
		} else {
			buf_add_char(out, *p == '_' ? ' ' : *p);
		}
	}
}

static void add_text(struct str text, struct buf *out)
{
	if (utf8_is_ascii(text))
		buf_add_str(out, text);
	else
		mime_charset_guess(text, out);
}

static void finish_run(struct run *run, struct mime_charset *converter, struct buf *out)
{
	if (!run->source.n)
		return;
	if (run->bytes.failed)
		out->failed = true;
	else if (mime_charset_to_utf8(converter, run->charset, buf_str(&run->bytes), out))
		add_text(run->source, out);
	run->source = STR_NONE;
	buf_reset(&run->bytes);
}

static void join_run(struct run *run, const struct word *word, struct str source, struct mime_charset *converter,
                     struct buf *out)
{
	/* Words of ISO-2022 return to ASCII at their end; put together, ICU would find the empty stretches suspicious. */
	bool joins = str_ieq(run->charset, word->charset) && !str_istarts(word->charset, STR("iso-2022-"));
	if (!joins)
		finish_run(run, converter, out);
	if (!run->source.n) {
		run->source = source;
		run->charset = word->charset;
	}
	run->source.n = (size_t)(source.p + source.n - run->source.p);
	add_word_bytes(word, &run->bytes);
}

static bool is_blank(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_blank((unsigned char)s.p[i]))
			return false;
	return true;
}

static void decode_unfolded(struct str s, struct buf *out)
{
	struct mime_charset converter = MIME_CHARSET_INIT;
	struct run run = { .bytes = BUF_INIT(0) };
	size_t text = 0, at = 0;    /* [text, at) is what stands before the place looked at, and is no word */
	for (;;) {
		size_t open = str_find(str_from(s, at), STR("=?"));
		if (open == STR_NPOS)
			break;
		at += open;
		struct word word;
		if (!parse_word(str_from(s, at), &word)) {
			at += 2;
			continue;
		}
		struct str before = str_sub(s, text, at - text);
		if (!run.source.n || !is_blank(before)) {
			finish_run(&run, &converter, out);
			add_text(before, out);
		}
		join_run(&run, &word, str_sub(s, at, word.n), &converter, out);
		at += word.n;
		text = at;
	}
	finish_run(&run, &converter, out);
	add_text(str_from(s, text), out);
	buf_fini(&run.bytes);
	mime_charset_fini(&converter);
}

void mime_words_decode(struct str text, struct buf *out)
{
	size_t start = out->n;
	if (mime_header_is_plain(text)) {
		decode_unfolded(str_trim(text), out);
	} else {
		struct buf unfolded = BUF_INIT(0);
		mime_header_unfold(text, &unfolded);
		decode_unfolded(buf_str(&unfolded), out);
		out->failed |= unfolded.failed;
		buf_fini(&unfolded);
	}
	for (size_t i = start; i < out->n; i++)
		if (out->p[i] == '\r' || out->p[i] == '\n' || out->p[i] == '\0')
			out->p[i] = ' ';
}
