#include "codec/mime/downgrade.h"

#include "base/arena.h"
#include "base/err.h"
#include "codec/mime/encode.h"
#include "codec/mime/header.h"
#include "codec/mime/message.h"

#include <stdint.h>

#define DOWNGRADE_MEMORY_MAX ((size_t)64 << 20)   /* of the parsed structure */
#define DOWNGRADE_LINE_MAX 998                    /* RFC 2045 2.7 */

struct downgrade {
	struct mime_message m;
	struct buf *out;
	const char *why;                  /* the first thing in the way */
};

/* RFC 2045 2.7: is it 7bit data already? *high_out: octets over 127. */
static bool is_7bit(struct str s, size_t *high_out)
{
	bool clean = true;
	size_t line = 0;

	*high_out = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		*high_out += c > 127;
		if (c == '\n') {
			clean &= i > 0 && s.p[i - 1] == '\r';
			line = 0;
			continue;
		}
		clean &= c != 0 && (c != '\r' || (i + 1 < s.n && s.p[i + 1] == '\n'));
		clean &= ++line <= DOWNGRADE_LINE_MAX + 1;   /* the CR is counted */
	}
	return clean && *high_out == 0;
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 127)
			return false;
	return true;
}

/* Text that is not part of any leaf: headers, boundaries, preambles. */
static void copy_ascii(struct downgrade *d, struct str s, const char *what)
{
	if (!is_ascii(s) && !d->why)
		d->why = what;
	buf_add_str(d->out, s);
}

static bool has_field(struct str header, struct str name)
{
	struct str body;
	return mime_header_find(header, name, &body);
}

/* The header with another Content-Transfer-Encoding and, where they are missing, what makes that mean something. */
static void write_header(struct downgrade *d, const struct mime_part *p, const char *encoding)
{
	struct str header = mime_part_header(&d->m, p);
	struct mime_header_walk walk = mime_header_walk(header);
	struct mime_header_field f;

	while (mime_header_next(&walk, &f))
		if (!str_ieq(f.name, STR("Content-Transfer-Encoding")))
			copy_ascii(d, f.raw, "octets over 127 in a header");
	if ((!walk.blank || walk.stray) && !d->why)
		d->why = "a header that is none";
	if (p == d->m.part && !has_field(header, STR("MIME-Version")))
		buf_add_lit(d->out, "MIME-Version: 1.0\r\n");
	if (!p->field[MIME_FIELD_CONTENT_TYPE].p && p->kind == MIME_LEAF)
		buf_add_lit(d->out, "Content-Type: text/plain; charset=unknown-8bit\r\n");      /* RFC 1428 2 */
	buf_printf(d->out, "Content-Transfer-Encoding: %s\r\n\r\n", encoding);
}

/* RFC 2046 5.2 permits composite and message types no encoding; a signature covers the octets as they are (RFC 1847 2.1). */
static const char *why_not_encode(const struct mime_part *p)
{
	if (str_ieq(p->type.type, STR("message")) || str_ieq(p->type.type, STR("multipart")))
		return "a part whose type permits no encoding";
	if (p->encoding == MIME_BASE64 || p->encoding == MIME_QUOTED_PRINTABLE || p->encoding == MIME_ENCODING_UNKNOWN)
		return "a part that is not encoded as it says";
	return NULL;
}

static void write_leaf(struct downgrade *d, const struct mime_part *p)
{
	struct str body = mime_part_body(&d->m, p);
	bool labelled = p->encoding == MIME_8BIT || p->encoding == MIME_BINARY;
	size_t high;

	if (is_7bit(body, &high)) {
		if (labelled)
			write_header(d, p, "7bit");
		else
			copy_ascii(d, mime_part_header(&d->m, p), "octets over 127 in a header");
		buf_add_str(d->out, body);
		return;
	}
	const char *why = why_not_encode(p);
	if (why && !d->why)
		d->why = why;
	/* What is mostly ASCII text stays readable, and anything else is shorter in base64. */
	if (str_ieq(p->type.type, STR("text")) && high < body.n / 6 + 1) {
		write_header(d, p, "quoted-printable");
		mime_encode_quoted_printable(body, d->out);
	} else {
		write_header(d, p, "base64");
		mime_encode_base64(body, d->out);
	}
}

static bool is_sealed(const struct mime_part *p)
{
	return p->kind == MIME_MULTIPART && (str_ieq(p->type.subtype, STR("signed")) || str_ieq(p->type.subtype, STR("encrypted")));
}

static struct str part_bytes(const struct downgrade *d, const struct mime_part *p)
{
	return str_sub(d->m.bytes, p->header_at, p->header_n + (size_t)p->body_n);
}

/* Everything in preorder; `done` is how much of the message is written. */
static void write_parts(struct downgrade *d)
{
	size_t done = 0, high;

	for (uint32_t i = 0; i < d->m.part_count; i++) {
		const struct mime_part *p = &d->m.part[i];
		copy_ascii(d, str_sub(d->m.bytes, done, p->header_at - done), "octets over 127 between the parts");
		done = p->body_at;
		if (is_sealed(p)) {
			struct str all = part_bytes(d, p);
			if (!is_7bit(all, &high) && !d->why)
				d->why = "a signed or encrypted part";
			buf_add_str(d->out, all);
			done = (size_t)p->header_at + all.n;
			i = p->after - 1;
		} else if (p->kind == MIME_LEAF) {
			write_leaf(d, p);
			done += p->body_n;
		} else if (p->encoding == MIME_8BIT || p->encoding == MIME_BINARY) {
			write_header(d, p, "7bit");
		} else {
			copy_ascii(d, mime_part_header(&d->m, p), "octets over 127 in a header");
		}
	}
	copy_ascii(d, str_from(d->m.bytes, done), "octets over 127 between the parts");
}

int mime_downgrade(struct str message, struct buf *out, const char **why_out)
{
	struct arena a = ARENA_INIT(DOWNGRADE_MEMORY_MAX);
	struct downgrade d = { .out = out };
	size_t high;

	*why_out = NULL;
	int r = mime_message_parse(message, &a, &d.m);
	if (r == 0) {
		size_t from = out->n;
		write_parts(&d);
		if (!str_ends(buf_str(out), STR("\r\n")))
			buf_add_lit(out, "\r\n");
		/* Whatever the structure hid (a part over a limit, say): nothing leaves that is not 7bit. */
		if (!out->failed && !d.why && !is_7bit(str_from(buf_str(out), from), &high))
			d.why = "octets or lines that stand in no part";
		*why_out = d.why;
		r = out->failed ? ERR_NO_MEMORY : d.why ? ERR_UNSUPPORTED : 0;
	}
	arena_fini(&a);
	return r;
}
