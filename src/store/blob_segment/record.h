/* Blobs in a segment file: a file header, then records, each padded to 16 bytes. The bytes are described in
 * doc/format/store.md. Pure: bytes <-> values; any thread.
 *
 * A place is a segment's number and an offset in it, in one word: number << 32 | offset / 16. A blob's id is the place
 * where it was first put, and stays so when its record is moved.
 */
#ifndef STORE_BLOB_SEGMENT_RECORD_H
#define STORE_BLOB_SEGMENT_RECORD_H

#include "store/store.h"

#define SEGMENT_HEADER_SIZE 64                    /* bytes at the start of the file */
#define RECORD_ALIGN 16
#define RECORD_FIXED_SIZE 40                      /* bytes of a record before its tags */
#define RECORD_HEAD_MAX (RECORD_FIXED_SIZE + 8 * (size_t)STORE_TAGS_MAX)

enum record_kind { RECORD_BLOB = 1, RECORD_END = 2 /* the file was closed here in good order */ };

struct record {
	enum record_kind kind;
	uint64_t id;
	uint64_t synced;                              /* bytes of the file that were known durable when this was written */
	uint32_t payload_size, payload_crc;
	uint32_t n_tags;
	const uint8_t *tags;                          /* n_tags times le64, within the decoded bytes */
};

static inline uint64_t place_make(uint32_t segment, uint64_t offset)
{
	return (uint64_t)segment << 32 | offset / RECORD_ALIGN;
}
static inline uint32_t place_segment(uint64_t place) { return (uint32_t)(place >> 32); }
static inline uint64_t place_offset(uint64_t place) { return (place & 0xffffffffu) * RECORD_ALIGN; }

static inline size_t record_head_size(uint32_t n_tags) { return RECORD_FIXED_SIZE + 8 * (size_t)n_tags; }
/* Head, payload and padding. */
static inline uint64_t record_size(uint32_t n_tags, uint64_t payload_size)
{
	return (record_head_size(n_tags) + payload_size + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
}

/* Writes record_head_size(n_tags) bytes: all but the payload. r->tags is ignored, the tags are taken from `tags`. */
void record_encode(const struct record *r, const store_tag *tags, uint8_t *head_out);
/* The first RECORD_FIXED_SIZE bytes tell how long the whole head is; 0 when they are not the start of a record. */
size_t record_head_peek(const uint8_t *fixed);
/* `head` is a whole head. 0 or ERR_CORRUPT. */
int record_decode(struct str head, struct record *out);
store_tag record_tag(const struct record *r, uint32_t i);
bool record_has_tag(const struct record *r, store_tag tag);

void segment_header_encode(uint32_t number, uint8_t out[SEGMENT_HEADER_SIZE]);
/* 0, ERR_VERSION (newer than this program) or ERR_CORRUPT. */
int segment_header_decode(const uint8_t in[SEGMENT_HEADER_SIZE], uint32_t *number_out);

#endif
