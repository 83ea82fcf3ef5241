#include "codec/imap/section.h"

#include "codec/mime/header.h"

static enum mime_section_kind kind_of(const struct imap_section *s)
{
	switch (s->kind) {
	case IMAP_SECTION_HEADER:
	case IMAP_SECTION_FIELDS:
	case IMAP_SECTION_FIELDS_NOT:
		return MIME_SECTION_HEADER;
	case IMAP_SECTION_TEXT:
		return MIME_SECTION_TEXT;
	case IMAP_SECTION_MIME:
		return MIME_SECTION_MIME;
	case IMAP_SECTION_ALL:
		break;
	}
	return MIME_SECTION_ALL;
}

/* BINARY of a part is its content; of the whole message, of multiparts and messages it is the octets, since composite types have no
 * encoding (RFC 2045 6.4, RFC 3516 3). */
static int locate_decoded(const struct imap_section *section, const struct mime_summary *s, struct imap_located *out)
{
	struct mime_summary_part part;
	int err = mime_section_part(s, section->path, section->path_count, &part);
	if (err)
		return err;
	if (!section->path_count) {
		out->octets = (struct mime_section){ 0, s->size };
		return 0;
	}
	out->octets = (struct mime_section){ part.body_at, part.body_n };
	if (part.kind == MIME_LEAF)
		out->encoding = mime_encoding_from_name(mime_text_str(part.encoding));
	return out->encoding == MIME_ENCODING_UNKNOWN ? ERR_UNSUPPORTED : 0;
}

int imap_section_locate(const struct imap_section *section, const struct mime_summary *s, struct imap_located *out)
{
	*out = (struct imap_located){ .encoding = MIME_BINARY };
	int err = section->as == IMAP_AS_IT_IS ? mime_section_find(s, section->path, section->path_count, kind_of(section), &out->octets)
										   : locate_decoded(section, s, out);
	out->nil = err == ERR_NOT_FOUND;
	return out->nil ? 0 : err;
}

int imap_sections_locate(const struct imap_fetch *f, const struct mime_summary *s, struct imap_located *located)
{
	int err = 0;
	for (size_t i = 0; !err && i < f->section_count; i++)
		err = imap_section_locate(&f->section[i], s, &located[i]);
	return err;
}

static struct str without_nul(struct str s, struct buf *scratch)
{
	char *to = s.p == scratch->p && s.n ? scratch->p : NULL;
	if (!to) {
		buf_reset(scratch);
		buf_add_str(scratch, s);
		if (scratch->failed)
			return STR_NONE;
		to = scratch->p;
	}
	for (size_t i = 0; i < s.n; i++)
		if (to[i] == '\0')
			to[i] = (char)0x80;
	return (struct str){ to, s.n };
}

/* RFC 3501 6.4.5: what begins behind the end is the empty string. */
static struct str cut(const struct imap_section *s, struct str octets)
{
	if (!s->partial)
		return octets;
	return s->offset >= octets.n ? STR_NONE : str_sub(octets, (size_t)s->offset, s->count > octets.n ? octets.n : (size_t)s->count);
}

struct str imap_section_octets(const struct imap_section *s, const struct imap_located *at, struct str message, bool has_nul,
                               struct buf *scratch)
{
	struct str octets = str_sub(message, at->octets.at, at->octets.n);
	if (s->kind == IMAP_SECTION_FIELDS || s->kind == IMAP_SECTION_FIELDS_NOT) {
		buf_reset(scratch);
		mime_header_select(octets, s->field, s->field_count, s->kind == IMAP_SECTION_FIELDS_NOT, scratch);
		octets = buf_str(scratch);
	}
	if (has_nul)
		octets = without_nul(octets, scratch);
	return cut(s, octets);
}

/* ---- decoded ---- */

/* So many encoded octets are decoded at a time. */
#define DECODE_STEP ((size_t)48 << 10)

/* Decodes as far as octet `end` of the content is in out. Octets before `begin` are dropped on the way. Returns how many were. */
static uint64_t decode_window(enum mime_encoding encoding, struct str in, uint64_t begin, uint64_t end, struct buf *out)
{
	struct mime_decoder d;
	uint64_t dropped = 0;
	buf_reset(out);
	mime_decoder_init(&d, encoding);
	for (size_t at = 0; at < in.n && dropped + out->n < end && !out->failed; at += DECODE_STEP) {
		mime_decoder_feed(&d, str_sub(in, at, DECODE_STEP), out);
		if (dropped + out->n <= begin) {
			dropped += out->n;
			out->n = 0;
		}
	}
	mime_decoder_finish(&d, out);
	return dropped;
}

static bool is_encoded(enum mime_encoding encoding) { return encoding == MIME_BASE64 || encoding == MIME_QUOTED_PRINTABLE; }

struct str imap_section_decoded(const struct imap_section *s, const struct imap_located *at, struct str message, struct buf *scratch)
{
	struct str octets = str_sub(message, at->octets.at, at->octets.n);
	if (!is_encoded(at->encoding))
		return cut(s, octets);
	if (!s->partial) {
		decode_window(at->encoding, octets, 0, UINT64_MAX, scratch);
		return buf_str(scratch);
	}
	/* Both are below 2^63. */
	uint64_t dropped = decode_window(at->encoding, octets, s->offset, s->offset + s->count, scratch);
	struct imap_section rest = { .partial = true, .offset = s->offset - dropped, .count = s->count };
	return cut(&rest, buf_str(scratch));
}

uint64_t imap_section_decoded_size(const struct imap_located *at, struct str message, struct buf *scratch)
{
	if (!is_encoded(at->encoding))
		return at->octets.n;
	uint64_t dropped = decode_window(at->encoding, str_sub(message, at->octets.at, at->octets.n), UINT64_MAX, UINT64_MAX, scratch);
	return dropped + scratch->n;
}
