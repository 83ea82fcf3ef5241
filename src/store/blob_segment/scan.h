/* Walking through a segment file from its start, whatever its state. Reads with pread, so a bad disk is an error. */
#ifndef STORE_BLOB_SEGMENT_SCAN_H
#define STORE_BLOB_SEGMENT_SCAN_H

#include "store/blob_segment/record.h"

struct segment_scan;

enum scan_event {
	SCAN_BLOB, /* a good record (its payload verified when asked for) */
	SCAN_BAD_PAYLOAD, /* a good head, and a payload that fails its checksum */
	SCAN_DAMAGE, /* bytes that are no record, before a record or below what was known durable; beyond
				  * segment_scan_synced of the whole pass it is what a crash left of its last writes */
	SCAN_END, /* the end mark: the file was closed in good order */
};
struct scan_item {
	enum scan_event event;
	uint64_t offset, size;            /* of the record with its padding, or of the damaged stretch */
	struct record record;             /* valid until the next step */
};

/* fd stays the caller's. 0, ERR_NO_MEMORY, ERR_IO, ERR_CORRUPT or ERR_VERSION (the file's header), ERR_INVALID (the
 * header says it is another segment). */
int segment_scan_begin(int fd, uint32_t number, bool verify, struct segment_scan **out);
void segment_scan_end(struct segment_scan **s);               /* accepts NULL */
/* 1 and an item, 0 at the end, or ERR_IO. */
int segment_scan_next(struct segment_scan *s, struct scan_item *out);
/* After the end: where the last record ends; behind it are zeros, or what a crash left of records that were never
 * promised. */
uint64_t segment_scan_extent(const struct segment_scan *s);
/* After the end: up to here the file was known durable while it was written. */
uint64_t segment_scan_synced(const struct segment_scan *s);
/* After the end: where the last byte that is not zero ends. */
uint64_t segment_scan_used(const struct segment_scan *s);

#endif
