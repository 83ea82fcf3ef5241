#include "codec/imap/response.h"

#include "base/ascii.h"
#include "base/num.h"
#include "codec/imap/limits.h"
#include "codec/imap/response_priv.h"

/* ---- words ---- */

bool words_take(struct words *w, char c)
{
	if (words_peek(w) != (unsigned char)c)
		return false;
	w->p++;
	return true;
}

void words_spaces(struct words *w)
{
	while (words_take(w, ' ') || words_take(w, '\t')) {}
}

struct str words_atom(struct words *w)
{
	const char *from = w->p;
	unsigned brackets = 0;
	for (int c; (c = words_peek(w)) >= 0 && c != '\r' && c != '\n'; w->p++) {
		if (!brackets && (c == ' ' || c == '(' || c == ')'))
			break;
		brackets += c == '[';
		brackets -= c == ']' && brackets;
	}
	return str_make(from, (size_t)(w->p - from));
}

static bool quoted(struct words *w, struct str *out)
{
	const char *from = w->p;
	size_t slashes = 0;
	for (; w->p < w->end && *w->p != '"'; w->p++) {
		if (*w->p == '\r' || *w->p == '\n')
			return words_fail(w);
		if (*w->p == '\\') {
			slashes++;
			if (++w->p == w->end)
				return words_fail(w);
		}
	}
	*out = str_make(from, (size_t)(w->p - from));
	if (!words_take(w, '"'))
		return words_fail(w);
	if (!slashes)
		return true;
	char *to = arena_alloc(w->arena, out->n);
	if (!to)
		return words_fail(w);
	size_t n = 0;
	for (size_t i = 0; i < out->n; i++) {
		i += out->p[i] == '\\';
		to[n++] = out->p[i];
	}
	*out = str_make(to, n);
	return true;
}

/* Behind "{". */
static bool literal(struct words *w, struct str *out)
{
	uint64_t n;
	if (!words_number(w, &n))
		return false;
	words_take(w, '+');
	if (!words_take(w, '}'))
		return words_fail(w);
	words_take(w, '\r');
	if (!words_take(w, '\n') || n > (uint64_t)(w->end - w->p))
		return words_fail(w);
	*out = str_make(w->p, (size_t)n);
	w->p += n;
	return true;
}

bool words_string(struct words *w, struct str *out)
{
	*out = STR_NONE;
	if (words_take(w, '"'))
		return quoted(w, out);
	if (words_peek(w) == '~' && w->end - w->p > 1 && w->p[1] == '{')
		w->p++;
	if (words_take(w, '{'))
		return literal(w, out);
	struct str atom = words_atom(w);
	if (atom.n == 0)
		return words_fail(w);
	if (!str_ieq(atom, STR("NIL")))
		*out = atom;
	return true;
}

bool words_number(struct words *w, uint64_t *out)
{
	const char *from = w->p;
	while (ascii_is_digit(words_peek(w)))
		w->p++;
	return num_parse_u64(str_make(from, (size_t)(w->p - from)), out) ? true : words_fail(w);
}

bool words_skip(struct words *w)
{
	struct str s;
	unsigned depth = 0;
	do {
		words_spaces(w);
		if (words_take(w, '('))
			depth++;
		else if (depth && words_take(w, ')'))
			depth--;
		else if (!words_string(w, &s))
			return false;
	} while (depth);
	return !w->bad;
}

/* ---- the whole ---- */

bool imap_response_literal(struct str line, uint64_t *size_out)
{
	if (!str_ends(line, STR("}")))
		return false;
	size_t open = str_rchr(line, '{');
	if (open == STR_NPOS)
		return false;
	struct str number = str_sub(line, open + 1, line.n - open - 2);
	if (str_ends(number, STR("+")))
		number.n--;
	return num_parse_u64(number, size_out);
}

static bool read_status(struct str word, enum imap_status *out)
{
	static const char *const names[] = { [IMAP_OK] = "OK", [IMAP_NO] = "NO", [IMAP_BAD] = "BAD", [IMAP_PREAUTH] = "PREAUTH", [IMAP_BYE] = "BYE" };
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		if (str_ieq(word, str_from_c(names[i]))) {
			*out = (enum imap_status)i;
			return true;
		}
	}
	return false;
}

/* resp-text = ["[" resp-text-code "]" SP] text. A code without an end is text. */
static void read_text(struct str s, struct imap_response *out)
{
	out->text = str_trim(s);
	if (!str_starts(out->text, STR("[")))
		return;
	bool in_quotes = false;
	size_t end = 1;
	for (; end < out->text.n && (in_quotes || out->text.p[end] != ']'); end++) {
		if (in_quotes && out->text.p[end] == '\\')
			end++;
		else if (out->text.p[end] == '"')
			in_quotes = !in_quotes;
	}
	if (end >= out->text.n)
		return;
	str_cut(str_sub(out->text, 1, end - 1), ' ', &out->code, &out->code_args);
	out->code_args = str_trim(out->code_args);
	out->text = str_trim(str_from(out->text, end + 1));
}

static enum imap_response_kind data_kind(struct str word)
{
	static const struct { const char *word; enum imap_response_kind kind; } known[] = {
		{ "CAPABILITY", IMAP_RESPONSE_CAPABILITY }, { "LIST", IMAP_RESPONSE_LIST }, { "XLIST", IMAP_RESPONSE_LIST }, { "LSUB", IMAP_RESPONSE_LSUB },
		{ "NAMESPACE", IMAP_RESPONSE_NAMESPACE }, { "STATUS", IMAP_RESPONSE_MAILBOX_STATUS },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (str_ieq(word, str_from_c(known[i].word)))
			return known[i].kind;
	return IMAP_RESPONSE_OTHER;
}

static bool numbered(struct words *w, struct str number, struct imap_response *out)
{
	if (!num_parse_u32(number, &out->number))
		return false;
	words_spaces(w);
	struct str word = words_atom(w);
	words_spaces(w);
	out->rest = str_make(w->p, (size_t)(w->end - w->p));
	out->kind = str_ieq(word, STR("FETCH")) ? IMAP_RESPONSE_FETCH : str_ieq(word, STR("EXISTS")) ? IMAP_RESPONSE_EXISTS
			  : str_ieq(word, STR("EXPUNGE")) ? IMAP_RESPONSE_EXPUNGE : IMAP_RESPONSE_OTHER;
	return word.n > 0;
}

bool imap_response_parse(struct str response, struct imap_response *out)
{
	struct words w = words_of(response, NULL);
	*out = (struct imap_response){ .kind = IMAP_RESPONSE_OTHER };
	if (words_take(&w, '+')) {
		out->kind = IMAP_RESPONSE_CONTINUE;
		read_text(str_make(w.p, (size_t)(w.end - w.p)), out);
		return true;
	}
	struct str first = words_atom(&w);
	if (first.n == 0 || !words_take(&w, ' '))
		return false;
	words_spaces(&w);
	struct str word = words_atom(&w);
	struct str rest = str_make(w.p, (size_t)(w.end - w.p));
	bool is_status = read_status(word, &out->status);
	if (!str_eq(first, STR("*"))) {
		out->kind = IMAP_RESPONSE_TAGGED;
		out->tag = first;
		read_text(rest, out);
		return is_status && out->status <= IMAP_BAD;
	}
	if (is_status) {
		out->kind = IMAP_RESPONSE_STATUS;
		read_text(rest, out);
		return true;
	}
	if (word.n && ascii_is_digit((unsigned char)word.p[0]))
		return numbered(&w, word, out);
	out->kind = data_kind(word);
	words_spaces(&w);
	out->rest = str_make(w.p, (size_t)(w.end - w.p));
	return word.n > 0;
}

/* ---- capabilities ---- */

unsigned imap_capabilities(struct str words)
{
	static const struct { const char *word; unsigned bits; } known[] = {
		{ "STARTTLS", IMAP_CAP_STARTTLS }, { "LOGINDISABLED", IMAP_CAP_LOGINDISABLED }, { "AUTH=PLAIN", IMAP_CAP_PLAIN }, { "AUTH=XOAUTH2", IMAP_CAP_XOAUTH2 },
		{ "AUTH=OAUTHBEARER", IMAP_CAP_OAUTHBEARER }, { "SASL-IR", IMAP_CAP_SASL_IR }, { "SPECIAL-USE", IMAP_CAP_SPECIAL_USE },
		{ "LIST-EXTENDED", IMAP_CAP_LIST_EXTENDED }, { "XLIST", IMAP_CAP_XLIST }, { "NAMESPACE", IMAP_CAP_NAMESPACE }, { "ID", IMAP_CAP_ID },
		{ "CONDSTORE", IMAP_CAP_CONDSTORE }, { "QRESYNC", IMAP_CAP_CONDSTORE }, { "OBJECTID", IMAP_CAP_OBJECTID }, { "X-GM-EXT-1", IMAP_CAP_GMAIL },
		{ "IMAP4rev2", IMAP_CAP_SASL_IR | IMAP_CAP_SPECIAL_USE | IMAP_CAP_LIST_EXTENDED | IMAP_CAP_NAMESPACE },
	};
	unsigned bits = 0;
	struct str word, rest = words;
	for (bool more = true; more;) {
		more = str_cut(rest, ' ', &word, &rest);
		word = str_trim(word);
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (str_ieq(word, str_from_c(known[i].word)))
				bits |= known[i].bits;
	}
	return bits;
}
