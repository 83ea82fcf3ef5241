/* Header fields over the raw bytes: RFC 5322 2.2 and 4.5, lines ending in CRLF or bare LF. Any thread; nothing is
 * allocated or copied except into the buf given; slices point into the header. */
#ifndef CODEC_MIME_HEADER_H
#define CODEC_MIME_HEADER_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mime_header_field {
	struct str name;    /* without the colon and blanks before it (RFC 5322 4.5) */
	struct str body;    /* after the colon, folding included, without the final line end; may start with blanks */
	struct str raw;     /* name to final line end, everything */
	size_t at;          /* where raw starts in the header */
};

/* Walks the fields of one header. Lines that belong to no field are passed over (and counted); the walk ends at the
 * blank line, at a line that cannot be header, or at the end. Set up with mime_header_walk. */
struct mime_header_walk {
	struct str header;
	size_t at;             /* the next line to look at; after the last field: where the blank line or the body starts */
	unsigned stray;        /* lines passed over */
	bool blank;            /* ended at a blank line, and `at` is behind it */
};

struct mime_header_walk mime_header_walk(struct str header);
bool mime_header_next(struct mime_header_walk *w, struct mime_header_field *out);

/* The body of the first field of that name (case does not matter). False when there is none. */
bool mime_header_find(struct str header, struct str name, struct str *body_out);

/* RFC 5322 2.2.3: the line ends go, the blanks after them stay; blanks at both ends go. Bytes that IMAP and POP3 cannot
 * carry inside a line (bare CR, NUL) become spaces. */
void mime_header_unfold(struct str body, struct buf *out);
/* True when unfolding would change nothing but the blanks at both ends. */
bool mime_header_is_plain(struct str body);

/* RFC 9051 6.4.5.1 HEADER.FIELDS (except == false) and HEADER.FIELDS.NOT (true): the raw fields that match, with their
 * folding, and then the blank line when the header has one. Names compare without case. */
void mime_header_select(struct str header, const struct str *names, size_t name_count, bool except, struct buf *out);

#endif
