#include "codec/imap/search_text.h"

#include "base/utf8.h"
#include "codec/imap/needle.h"
#include "codec/mime/header.h"
#include "codec/mime/html.h"
#include "codec/mime/param.h"
#include "codec/mime/transfer.h"
#include "codec/mime/words.h"

void imap_search_tools_fini(struct imap_search_tools *t)
{
	mime_charset_fini(&t->charset);
	buf_fini(&t->octets);
	buf_fini(&t->text);
	buf_fini(&t->shown);
}

/* ---- headers ---- */

/* What was collected in t->text goes out, folded. */
static void piece_end(struct imap_search_tools *t, struct buf *out)
{
	imap_fold(buf_str(&t->text), out);
	buf_add_char(out, '\0');
}

/* Most fields hold nothing to decode: their line ends go, and that is all. */
static void add_body(struct imap_search_tools *t, struct str body)
{
	if (!utf8_is_ascii(body) || str_find(body, STR("=?")) != STR_NPOS) {
		mime_words_decode(body, &t->text);
		return;
	}
	body = str_trim(body);
	while (body.n) {
		struct str line;
		str_cut(body, '\n', &line, &body);
		buf_add(&t->text, line.p, line.n && line.p[line.n - 1] == '\r' ? line.n - 1 : line.n);
	}
}

static void add_addresses(struct imap_search_tools *t, struct str list)
{
	struct mime_envelope_address a;
	while (mime_envelope_address(&list, &a)) {
		if (t->text.n)
			buf_add_lit(&t->text, ", ");
		/* Group marks have no domain: RFC 9051 7.5.2. */
		if (a.domain.class == MIME_TEXT_NIL) {
			mime_words_decode(mime_text_str(a.local), &t->text);
			continue;
		}
		if (a.name.n) {
			mime_words_decode(mime_text_str(a.name), &t->text);
			buf_add_char(&t->text, ' ');
		}
		buf_add_char(&t->text, '<');
		buf_add_str(&t->text, mime_text_str(a.local));
		buf_add_char(&t->text, '@');
		buf_add_str(&t->text, mime_text_str(a.domain));
		buf_add_char(&t->text, '>');
	}
}

bool imap_search_envelope_field(struct imap_search_tools *t, const struct mime_summary *s, struct str field, struct buf *out)
{
	struct mime_envelope e;
	if (mime_summary_envelope(s, &e))
		return false;
	const struct { const char *name; const struct mime_text *text; const struct str *list; } fields[] = {
		{ "subject", &e.subject, NULL }, { "date", &e.date, NULL }, { "message-id", &e.message_id, NULL },
		{ "in-reply-to", &e.in_reply_to, NULL }, { "from", NULL, &e.from }, { "to", NULL, &e.to }, { "cc", NULL, &e.cc },
		{ "bcc", NULL, &e.bcc }, { "sender", NULL, &e.sender }, { "reply-to", NULL, &e.reply_to },
	};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!str_ieq(field, str_from_c(fields[i].name)))
			continue;
		if (fields[i].text ? fields[i].text->class == MIME_TEXT_NIL : fields[i].list->n == 0)
			return false;
		buf_reset(&t->text);
		if (fields[i].text)
			mime_words_decode(mime_text_str(*fields[i].text), &t->text);
		else
			add_addresses(t, *fields[i].list);
		piece_end(t, out);
		return true;
	}
	return false;
}

bool imap_search_header_field(struct imap_search_tools *t, struct str header, struct str field, struct buf *out)
{
	struct mime_header_walk walk = mime_header_walk(header);
	struct mime_header_field f;
	bool found = false;
	while (mime_header_next(&walk, &f)) {
		if (!str_ieq(f.name, field))
			continue;
		found = true;
		buf_reset(&t->text);
		add_body(t, f.body);
		piece_end(t, out);
	}
	return found;
}

void imap_search_header(struct imap_search_tools *t, struct str header, struct buf *out)
{
	struct mime_header_walk walk = mime_header_walk(header);
	struct mime_header_field f;
	while (mime_header_next(&walk, &f)) {
		buf_reset(&t->text);
		buf_add_str(&t->text, f.name);
		buf_add_lit(&t->text, ": ");
		add_body(t, f.body);
		piece_end(t, out);
	}
}

/* ---- bodies ---- */

static struct str charset_of(const struct mime_summary_part *p)
{
	struct str rest = p->params;
	struct mime_text name, value;
	while (mime_summary_param(&rest, &name, &value))
		if (str_ieq(mime_text_str(name), STR("charset")))
			return mime_text_str(value);
	return STR_NONE;
}

/* White space means nothing in HTML but that words end. */
static void collapse_blanks(struct buf *b)
{
	size_t to = 0;
	for (size_t i = 0; i < b->n; i++) {
		char c = b->p[i] == '\t' || b->p[i] == '\r' || b->p[i] == '\n' ? ' ' : b->p[i];
		if (c != ' ' || to == 0 || b->p[to - 1] != ' ')
			b->p[to++] = c;
	}
	b->n = to;
}

static void add_html(struct imap_search_tools *t, struct buf *out, struct buf *source)
{
	buf_reset(&t->shown);
	mime_html_text(buf_str(&t->text), &t->shown);
	collapse_blanks(&t->shown);
	imap_fold(buf_str(&t->shown), out);
	buf_add_char(out, '\0');
	piece_end(t, source);
}

static void add_leaf(struct imap_search_tools *t, const struct mime_summary_part *p, struct str octets, struct buf *out, struct buf *source)
{
	enum mime_encoding encoding = mime_encoding_from_name(mime_text_str(p->encoding));
	if (encoding == MIME_BASE64 || encoding == MIME_QUOTED_PRINTABLE) {
		buf_reset(&t->octets);
		mime_transfer_decode(encoding, octets, &t->octets);
		octets = buf_str(&t->octets);
	}
	buf_reset(&t->text);
	if (mime_charset_to_utf8(&t->charset, charset_of(p), octets, &t->text))
		mime_charset_guess(octets, &t->text);
	if (str_ieq(mime_text_str(p->subtype), STR("html")))
		add_html(t, out, source);
	else
		piece_end(t, out);
}

/* The name that the sender gave a file: in Content-Disposition, or as of old in Content-Type. */
static void add_file_name(struct imap_search_tools *t, struct str params, const char *name, struct buf *out)
{
	struct mime_text attribute, value;
	while (mime_summary_param(&params, &attribute, &value)) {
		struct str a = mime_text_str(attribute);
		bool extended = a.n && a.p[a.n - 1] == '*';
		if (!str_ieq(str_sub(a, 0, a.n - extended), str_from_c(name)))
			continue;
		buf_reset(&t->text);
		mime_param_decode(&(struct mime_param){ a, mime_text_str(value), extended }, &t->text);
		piece_end(t, out);
	}
}

static bool is_searched(const struct mime_summary_part *p)
{
	struct str type = mime_text_str(p->type);
	return p->kind == MIME_LEAF && (str_ieq(type, STR("text")) || str_ieq(type, STR("message")));
}

int imap_search_body(struct imap_search_tools *t, const struct mime_summary *s, struct str message, struct buf *out, struct buf *source)
{
	struct mime_summary_walk walk;
	struct mime_summary_part p;
	bool inside = false;         /* the part before was a message: this one has its header */
	int err;
	mime_summary_walk(s, &walk);
	while ((err = mime_summary_next(&walk, &p)) == 0) {
		if (inside)
			imap_search_header(t, str_sub(message, p.header_at, p.header_n), out);
		inside = p.kind == MIME_EMBEDDED;
		if (is_searched(&p))
			add_leaf(t, &p, str_sub(message, p.body_at, p.body_n), out, source);
		add_file_name(t, p.disposition_params, "filename", out);
		add_file_name(t, p.params, "name", out);
	}
	return err == ERR_NOT_FOUND ? 0 : err;
}
