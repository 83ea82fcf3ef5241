#include "proto/imap/fetch_section.h"

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

int imap_sections_locate(const struct imap_fetch *f, const struct mime_summary *s, struct imap_located *located)
{
	for (size_t i = 0; i < f->section_count; i++) {
		const struct imap_section *section = &f->section[i];
		int err = mime_section_find(s, section->path, section->path_count, kind_of(section), &located[i].octets);
		if (err && err != ERR_NOT_FOUND)
			return err;
		located[i].nil = err == ERR_NOT_FOUND;
	}
	return 0;
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
	/* RFC 3501 6.4.5: what begins behind the end is the empty string. */
	if (s->partial)
		octets = s->offset >= octets.n ? STR_NONE : str_sub(octets, (size_t)s->offset, s->count > octets.n ? octets.n : (size_t)s->count);
	return octets;
}
