/* BODY[...] and BINARY[...] of one message, in two steps: find the octets while the summary is at hand, write them when the message is
 * mapped. Any thread. */
#ifndef CODEC_IMAP_SECTION_H
#define CODEC_IMAP_SECTION_H

#include "base/buf.h"
#include "codec/imap/fetch_att.h"
#include "codec/mime/section.h"
#include "codec/mime/summary.h"
#include "codec/mime/transfer.h"

#include <stdbool.h>
#include <stdint.h>

struct imap_located {
	bool nil;                        /* no such part */
	struct mime_section octets;      /* of the message: the whole section, before a partial */
	enum mime_encoding encoding;     /* for what is asked decoded */
};

/* 0, ERR_CORRUPT, or ERR_UNSUPPORTED: it is asked decoded, and its encoding is unknown (RFC 3516 4.3: NO [UNKNOWN-CTE]). */
int imap_section_locate(const struct imap_section *section, const struct mime_summary *s, struct imap_located *out);
/* Fills located[0 .. f->section_count). The same. */
int imap_sections_locate(const struct imap_fetch *f, const struct mime_summary *s, struct imap_located *located);

/* The octets that answer for a section: a slice of message; or of scratch, which is overwritten, for header field lists
 * and for messages with NUL (`has_nul`), which a literal cannot carry (RFC 3501 4.3): each becomes 0x80. Not for nil. */
struct str imap_section_octets(const struct imap_section *s, const struct imap_located *at, struct str message, bool has_nul,
                               struct buf *scratch);

/* For IMAP_AS_DECODED: the content without its encoding, which may hold NUL; a slice of message or of scratch. scratch->failed: out of memory. */
struct str imap_section_decoded(const struct imap_section *s, const struct imap_located *at, struct str message, struct buf *scratch);
/* For IMAP_AS_SIZE: how many octets that would be. Keeps little of them in scratch. */
uint64_t imap_section_decoded_size(const struct imap_located *at, struct str message, struct buf *scratch);

#endif
