#include "codec/mime/section.h"

/* Passes over the descendants of the part that was just read. */
static int skip_children(struct mime_summary_walk *w, const struct mime_summary_part *part)
{
	struct mime_summary_part next;
	for (uint32_t pending = part->children; pending > 0; pending += next.children - 1) {
		int error = mime_summary_next(w, &next);
		if (error)
			return error;
	}
	return 0;
}

/* Reads the number-th child of the multipart that was just read. */
static int take_child(struct mime_summary_walk *w, uint32_t number, struct mime_summary_part *part)
{
	if (number == 0 || number > part->children)
		return ERR_NOT_FOUND;
	int error = mime_summary_next(w, part);
	while (!error && --number > 0) {
		error = skip_children(w, part);
		if (!error)
			error = mime_summary_next(w, part);
	}
	return error;
}

/* RFC 9051 6.4.5.1: the parts of a message are those of its multipart, or it is its own only part. Of nested parts, the
 * parts of a message/rfc822 are those of the message inside. On success the walk stands behind *part. */
static int find_part(const struct mime_summary *s, const uint32_t *path, size_t path_count, struct mime_summary_walk *w,
                     struct mime_summary_part *part)
{
	mime_summary_walk(s, w);
	int error = mime_summary_next(w, part);
	bool message = true;    /* *part is a message, whose parts are asked for */
	for (size_t i = 0; !error && i < path_count; i++) {
		if (!message && part->kind == MIME_EMBEDDED) {
			error = mime_summary_next(w, part);
			if (error)
				break;
			message = true;
		}
		if (part->kind == MIME_MULTIPART)
			error = take_child(w, path[i], part);
		else if (!message || path[i] != 1)
			error = ERR_NOT_FOUND;
		message = false;
	}
	return error;
}

int mime_section_part(const struct mime_summary *s, const uint32_t *path, size_t path_count,
                      struct mime_summary_part *out)
{
	struct mime_summary_walk w;
	return find_part(s, path, path_count, &w, out);
}

int mime_section_find(const struct mime_summary *s, const uint32_t *path, size_t path_count,
                      enum mime_section_kind kind, struct mime_section *out)
{
	struct mime_summary_walk w;
	struct mime_summary_part part;
	*out = (struct mime_section){ 0, 0 };
	if (kind == MIME_SECTION_MIME && path_count == 0)
		return ERR_INVALID;
	int error = find_part(s, path, path_count, &w, &part);
	if (error)
		return error;
	if (kind == MIME_SECTION_ALL && path_count == 0) {
		*out = (struct mime_section){ 0, s->size };
		return 0;
	}
	if (path_count > 0 && (kind == MIME_SECTION_HEADER || kind == MIME_SECTION_TEXT)) {
		if (part.kind != MIME_EMBEDDED)
			return ERR_NOT_FOUND;
		error = mime_summary_next(&w, &part);
		if (error)
			return error;
	}
	if (kind == MIME_SECTION_ALL || kind == MIME_SECTION_TEXT)
		*out = (struct mime_section){ part.body_at, part.body_n };
	else
		*out = (struct mime_section){ part.header_at, part.header_n };
	return 0;
}
