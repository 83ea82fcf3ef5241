/* From IMAP section paths to octets: RFC 9051 6.4.5.1. Any thread, no allocation. */
#ifndef CODEC_MIME_SECTION_H
#define CODEC_MIME_SECTION_H

#include "codec/mime/summary.h"

#include <stddef.h>
#include <stdint.h>

enum mime_section_kind {
	MIME_SECTION_ALL,       /* BODY[] and BODY[1.2]: the message; the body of the part */
	MIME_SECTION_MIME,      /* BODY[1.2.MIME]: the header of the part; needs a path */
	MIME_SECTION_HEADER,    /* BODY[HEADER], BODY[1.2.HEADER]: of the message; of that in a message/rfc822 part */
	MIME_SECTION_TEXT,      /* BODY[TEXT], BODY[1.2.TEXT]: the same for the body */
};

/* Octets [at, at + n) of the message; never outside of it. */
struct mime_section {
	uint32_t at;
	uint32_t n;
};

/* 0, ERR_NOT_FOUND (no such part, or the part is no message: IMAP answers NIL), ERR_INVALID (MIME without a path) or
 * ERR_CORRUPT. Path numbers count from 1. */
int mime_section_find(const struct mime_summary *s, const uint32_t *path, size_t path_count,
                      enum mime_section_kind kind, struct mime_section *out);
/* The part itself, for BINARY (RFC 3516) and others. With an empty path: the message, part 0. 0, ERR_NOT_FOUND or
 * ERR_CORRUPT. */
int mime_section_part(const struct mime_summary *s, const uint32_t *path, size_t path_count,
                      struct mime_summary_part *out);

#endif
