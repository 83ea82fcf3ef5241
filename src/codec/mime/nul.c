#include "codec/mime/nul.h"

#include "base/arena.h"
#include "base/err.h"
#include "codec/mime/encode.h"
#include "codec/mime/header.h"
#include "codec/mime/message.h"

#define NUL_MEMORY_MAX ((size_t)64 << 20)         /* of the parsed structure */

static bool has_nul(struct str s) { return str_chr(s, '\0') != STR_NPOS; }

/* The header as it is, but for the encoding's label. False: it has lines that are no fields, or no end, and would mean something else. */
static bool write_header(const struct mime_message *m, const struct mime_part *p, struct buf *out)
{
	struct str header = mime_part_header(m, p), ignored;
	struct mime_header_walk walk = mime_header_walk(header);
	struct mime_header_field f;
	while (mime_header_next(&walk, &f))
		if (!str_ieq(f.name, STR("Content-Transfer-Encoding")))
			buf_add_str(out, f.raw);
	if (p == m->part && !mime_header_find(header, STR("MIME-Version"), &ignored))
		buf_add_lit(out, "MIME-Version: 1.0\r\n");
	buf_add_lit(out, "Content-Transfer-Encoding: base64\r\n\r\n");
	return walk.blank && !walk.stray;
}

/* NULL when the leaf may be encoded. */
static const char *why_not(const struct mime_part *p)
{
	/* RFC 2045 6.4 */
	if (str_ieq(p->type.type, STR("message")) || str_ieq(p->type.type, STR("multipart")))
		return "a part whose type permits no encoding";
	if (p->encoding == MIME_BASE64 || p->encoding == MIME_QUOTED_PRINTABLE || p->encoding == MIME_ENCODING_UNKNOWN)
		return "a part that is encoded already";
	return NULL;
}

static const char *write_message(const struct mime_message *m, struct buf *out)
{
	size_t done = 0;
	for (uint32_t i = 0; i < m->part_count; i++) {
		const struct mime_part *p = &m->part[i];
		struct str body = mime_part_body(m, p);
		if (p->kind != MIME_LEAF || !has_nul(body))
			continue;
		const char *why = why_not(p);
		if (why)
			return why;
		buf_add_str(out, str_sub(m->bytes, done, p->header_at - done));
		if (!write_header(m, p, out))
			return "a part whose header is none";
		mime_encode_base64(body, out);
		done = p->body_at + (size_t)p->body_n;
		if (done == m->bytes.n)
			buf_add_lit(out, "\r\n");
	}
	buf_add_str(out, str_from(m->bytes, done));
	return NULL;
}

int mime_nul_encode(struct str message, struct buf *out, const char **why_out)
{
	struct arena a = ARENA_INIT(NUL_MEMORY_MAX);
	struct mime_message m;
	size_t from = out->n;
	*why_out = NULL;
	int rc = mime_message_parse(message, &a, &m);
	if (!rc) {
		*why_out = write_message(&m, out);
		if (!*why_out && !out->failed && has_nul(str_from(buf_str(out), from)))
			*why_out = "a header, or between the parts";
		rc = out->failed ? ERR_NO_MEMORY : *why_out ? ERR_UNSUPPORTED : 0;
	}
	arena_fini(&a);
	return rc;
}
