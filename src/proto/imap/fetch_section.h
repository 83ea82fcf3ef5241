/* BODY[...] of one message, in two steps: find the octets while the summary is at hand, write them when the message is
 * mapped. Threads: as session.h. */
#ifndef PROTO_IMAP_FETCH_SECTION_H
#define PROTO_IMAP_FETCH_SECTION_H

#include "base/buf.h"
#include "codec/imap/fetch_att.h"
#include "codec/mime/section.h"
#include "codec/mime/summary.h"

#include <stdbool.h>

struct imap_located {
	bool nil;                        /* no such part */
	struct mime_section octets;      /* of the message: the whole section, before a partial */
};

/* Fills located[0 .. f->section_count). 0 or ERR_CORRUPT. */
int imap_sections_locate(const struct imap_fetch *f, const struct mime_summary *s, struct imap_located *located);

/* The octets that answer for a section: a slice of message; or of scratch, which is overwritten, for header field lists
 * and for messages with NUL (`has_nul`), which a literal cannot carry (RFC 3501 4.3): each becomes 0x80. Not for nil. */
struct str imap_section_octets(const struct imap_section *s, const struct imap_located *at, struct str message, bool has_nul,
                               struct buf *scratch);

#endif
