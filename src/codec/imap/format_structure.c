/* ENVELOPE, BODY and BODYSTRUCTURE: RFC 9051 7.5.2. */
#include "codec/imap/format.h"

#include "base/utf8.h"
#include "codec/imap/writer.h"
#include "codec/mime/param.h"
#include "codec/mime/section.h"

void write_text_hard(struct writer *w, struct mime_text t)
{
	bool quoted = t.class == MIME_TEXT_ESCAPED || (w->utf8 && utf8_is_valid(mime_text_str(t)));
	if (!writer_room(w, 2 * (size_t)t.n + 32))
		return;
	if (!quoted) {
		write_char(w, '{');
		write_number(w, t.n);
		write_lit(w, "}\r\n");
		write_bytes(w, t.p, t.n);
		return;
	}
	*w->p++ = '"';
	for (uint32_t i = 0; i < t.n; i++) {
		if (t.p[i] == '"' || t.p[i] == '\\')
			*w->p++ = '\\';
		*w->p++ = t.p[i];
	}
	*w->p++ = '"';
}

/* ---- envelope ---- */

static void write_addresses(struct writer *w, struct str list)
{
	struct mime_envelope_address a;
	if (!mime_envelope_address(&list, &a)) {
		write_lit(w, " NIL");
		return;
	}
	write_lit(w, " (");
	do {
		write_char(w, '(');
		write_text(w, a.name);
		write_char(w, ' ');
		write_text(w, a.route);
		write_char(w, ' ');
		write_text(w, a.local);
		write_char(w, ' ');
		write_text(w, a.domain);
		write_char(w, ')');
	} while (mime_envelope_address(&list, &a));
	write_char(w, ')');
}

/* "(" date SP subject SP from SP sender SP reply-to SP to SP cc SP bcc SP in-reply-to SP message-id ")" */
static void write_envelope(struct writer *w, const struct mime_envelope *e)
{
	write_char(w, '(');
	write_text(w, e->date);
	write_char(w, ' ');
	write_text(w, e->subject);
	write_addresses(w, e->from);
	write_addresses(w, mime_envelope_or_from(e, e->sender));
	write_addresses(w, mime_envelope_or_from(e, e->reply_to));
	write_addresses(w, e->to);
	write_addresses(w, e->cc);
	write_addresses(w, e->bcc);
	write_char(w, ' ');
	write_text(w, e->in_reply_to);
	write_char(w, ' ');
	write_text(w, e->message_id);
	write_char(w, ')');
}

/* ---- body structure ---- */

/* RFC 9051 7.5.2: to who takes UTF-8, what RFC 2231 wrote in another charset is told decoded, under the name without its mark. */
static void write_decoded(struct writer *w, struct mime_text name, struct mime_text value)
{
	struct buf text = BUF_INIT(0);
	const struct mime_param p = { .value = mime_text_str(value), .extended = true };
	mime_param_decode(&p, &text);
	for (size_t i = 0; i < text.n; i++)
		if (!text.p[i])
			text.p[i] = '?';             /* no string can hold it */
	name.n--;
	write_text(w, name);
	write_char(w, ' ');
	writer_end(w);
	imap_format_string(w->b, buf_str(&text), true);
	w->b->failed |= text.failed;
	writer_begin(w, w->b, true);
	buf_fini(&text);
}

static bool is_extended(struct mime_text name) { return name.n > 1 && name.p[name.n - 1] == '*'; }

/* SP and body-fld-param: "(" name SP value ... ")" or NIL. */
static void write_params(struct writer *w, struct str params)
{
	struct mime_text name, value;
	if (!mime_summary_param(&params, &name, &value)) {
		write_lit(w, " NIL");
		return;
	}
	write_lit(w, " (");
	for (bool more = true; more;) {
		if (w->utf8 && is_extended(name)) {
			write_decoded(w, name, value);
		} else {
			write_text(w, name);
			write_char(w, ' ');
			/* A parameter always has a value: the empty one is not NIL. */
			if (value.class == MIME_TEXT_NIL)
				write_lit(w, "\"\"");
			else
				write_text(w, value);
		}
		more = mime_summary_param(&params, &name, &value);
		write_char(w, more ? ' ' : ')');
	}
}

static void write_disposition(struct writer *w, const struct mime_summary_part *p)
{
	if (p->disposition.class == MIME_TEXT_NIL) {
		write_lit(w, " NIL");
		return;
	}
	write_lit(w, " (");
	write_text(w, p->disposition);
	write_params(w, p->disposition_params);
	write_char(w, ')');
}

static void write_languages(struct writer *w, struct str languages)
{
	struct mime_text tag;
	if (!mime_summary_text(&languages, &tag)) {
		write_lit(w, " NIL");
		return;
	}
	write_lit(w, " (");
	for (bool more = true; more;) {
		write_text(w, tag);
		more = mime_summary_text(&languages, &tag);
		write_char(w, more ? ' ' : ')');
	}
}

/* What ends body-ext-1part and body-ext-mpart alike: disposition, language, location. */
static void write_extension_end(struct writer *w, const struct mime_summary_part *p)
{
	if (!p->extended) {
		write_lit(w, " NIL NIL NIL");
		return;
	}
	write_disposition(w, p);
	write_languages(w, p->languages);
	write_char(w, ' ');
	write_text(w, p->location);
}

/* media and body-fields: type, subtype, parameters, id, description, encoding, octets. */
static void write_fields(struct writer *w, const struct mime_summary_part *p)
{
	write_text(w, p->type);
	write_char(w, ' ');
	write_text(w, p->subtype);
	write_params(w, p->params);
	write_char(w, ' ');
	write_text(w, p->id);
	write_char(w, ' ');
	write_text(w, p->description);
	write_char(w, ' ');
	write_text(w, p->encoding);
	write_char(w, ' ');
	write_number(w, p->body_n);
}

static int write_next(struct writer *w, struct mime_summary_walk *walk, bool extended);

/* The walk gives a tree of at most MIME_DEPTH_MAX + 1 levels, which bounds this recursion. */
static int write_multipart(struct writer *w, struct mime_summary_walk *walk, const struct mime_summary_part *p, bool extended)
{
	for (uint32_t i = 0; i < p->children; i++) {
		int err = write_next(w, walk, extended);
		if (err)
			return err;
	}
	write_char(w, ' ');
	write_text(w, p->subtype);
	if (extended) {
		write_params(w, p->params);
		write_extension_end(w, p);
	}
	return 0;
}

static int write_embedded(struct writer *w, struct mime_summary_walk *walk, const struct mime_summary_part *p, bool extended)
{
	struct mime_envelope e;
	int err = mime_summary_envelope_read(p->envelope, &e);
	if (err)
		return err;
	write_fields(w, p);
	write_char(w, ' ');
	write_envelope(w, &e);
	write_char(w, ' ');
	err = write_next(w, walk, extended);
	write_char(w, ' ');
	write_number(w, p->lines);
	return err;
}

static void write_leaf(struct writer *w, const struct mime_summary_part *p)
{
	write_fields(w, p);
	if (str_ieq(mime_text_str(p->type), STR("text"))) {
		write_char(w, ' ');
		write_number(w, p->lines);
	}
}

/* The part that was read from the walk, with what is below it. */
static int write_part(struct writer *w, struct mime_summary_walk *walk, const struct mime_summary_part *p, bool extended)
{
	int err = 0;
	write_char(w, '(');
	if (p->kind == MIME_MULTIPART && p->children) {
		err = write_multipart(w, walk, p, extended);
	} else {
		if (p->kind == MIME_EMBEDDED && p->children)
			err = write_embedded(w, walk, p, extended);
		else
			write_leaf(w, p);
		if (extended) {
			write_char(w, ' ');
			write_text(w, p->md5);
			write_extension_end(w, p);
		}
	}
	write_char(w, ')');
	return err;
}

static int write_next(struct writer *w, struct mime_summary_walk *walk, bool extended)
{
	struct mime_summary_part p;
	int err = mime_summary_next(walk, &p);
	return !err ? write_part(w, walk, &p, extended) : err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
}

/* ---- what others see ---- */

void imap_format_envelope(struct buf *out, const struct mime_envelope *e, bool utf8)
{
	struct writer w;
	writer_begin(&w, out, utf8);
	write_envelope(&w, e);
	writer_end(&w);
}

int imap_format_summary_envelope(struct buf *out, const struct mime_summary *s, bool utf8)
{
	struct mime_envelope e;
	int err = mime_summary_envelope(s, &e);
	if (!err)
		imap_format_envelope(out, &e, utf8);
	return err;
}

int imap_format_body(struct buf *out, const struct mime_summary *s, bool extended, bool utf8)
{
	struct writer w;
	struct mime_summary_walk walk;
	mime_summary_walk(s, &walk);
	writer_begin(&w, out, utf8);
	int err = write_next(&w, &walk, extended);
	writer_end(&w);
	return err;
}

int imap_format_body_part(struct buf *out, const struct mime_summary *s, const uint32_t *path, size_t path_count,
						  const struct imap_decoded_size *decoded, bool utf8)
{
	struct writer w;
	struct mime_summary_walk walk;
	struct mime_summary_part part, p;
	int err = mime_section_part(s, path, path_count, &part);
	if (err)
		return err;
	/* The walk goes on behind it, so that what is below it is written too. */
	mime_summary_walk(s, &walk);
	do
		err = mime_summary_next(&walk, &p);
	while (!err && p.index < part.index);
	if (err)
		return ERR_CORRUPT;
	if (decoded && p.kind == MIME_LEAF) {
		p.encoding = (struct mime_text){ "BINARY", 6, MIME_TEXT_PLAIN };
		p.body_n = (uint32_t)decoded->octets;
		p.lines = (uint32_t)decoded->lines;
	}
	writer_begin(&w, out, utf8);
	err = write_part(&w, &walk, &p, false);
	writer_end(&w);
	return err;
}
