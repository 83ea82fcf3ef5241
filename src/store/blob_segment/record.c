#include "store/blob_segment/record.h"

#include "base/bytes.h"
#include "base/hash.h"

#define RECORD_MAGIC 0x6c626b54u                  /* "Tkbl" */
#define SEGMENT_MAGIC "TRKSEG\r\n"
#define SEGMENT_FORMAT 1

void record_encode(const struct record *r, const store_tag *tags, uint8_t *head)
{
	store_le32(head, RECORD_MAGIC);
	store_le32(head + 8, r->n_tags | (uint32_t)r->kind << 16);
	store_le32(head + 12, r->payload_size);
	store_le32(head + 16, r->payload_crc);
	store_le32(head + 20, 0);
	store_le64(head + 24, r->id);
	store_le64(head + 32, r->synced);
	for (uint32_t i = 0; i < r->n_tags; i++)
		store_le64(head + RECORD_FIXED_SIZE + 8 * (size_t)i, tags[i]);
	store_le32(head + 4, hash_crc32c(0, head + 8, record_head_size(r->n_tags) - 8));
}

size_t record_head_peek(const uint8_t *fixed)
{
	uint32_t n_tags = load_le32(fixed + 8) & 0xffff;
	if (load_le32(fixed) != RECORD_MAGIC || n_tags > STORE_TAGS_MAX)
		return 0;
	return record_head_size(n_tags);
}

int record_decode(struct str head, struct record *out)
{
	const uint8_t *p = (const uint8_t *)head.p;
	if (head.n < RECORD_FIXED_SIZE || record_head_peek(p) != head.n)
		return ERR_CORRUPT;
	if (load_le32(p + 4) != hash_crc32c(0, p + 8, head.n - 8))
		return ERR_CORRUPT;
	uint32_t kind = load_le32(p + 8) >> 16;
	*out = (struct record){
		.kind = (enum record_kind)kind,
		.id = load_le64(p + 24),
		.synced = load_le64(p + 32),
		.payload_size = load_le32(p + 12),
		.payload_crc = load_le32(p + 16),
		.n_tags = load_le32(p + 8) & 0xffff,
		.tags = p + RECORD_FIXED_SIZE,
	};
	if ((kind != RECORD_BLOB && kind != RECORD_END) || out->payload_size > STORE_BLOB_MAX)
		return ERR_CORRUPT;
	return 0;
}

store_tag record_tag(const struct record *r, uint32_t i) { return load_le64(r->tags + 8 * (size_t)i); }

bool record_has_tag(const struct record *r, store_tag tag)
{
	for (uint32_t i = 0; i < r->n_tags; i++) {
		if (record_tag(r, i) == tag)
			return true;
	}
	return false;
}

void segment_header_encode(uint32_t number, uint8_t out[SEGMENT_HEADER_SIZE])
{
	memset(out, 0, SEGMENT_HEADER_SIZE);
	memcpy(out, SEGMENT_MAGIC, 8);
	store_le32(out + 8, SEGMENT_FORMAT);
	store_le32(out + 12, number);
	store_le32(out + 60, hash_crc32c(0, out, 60));
}

int segment_header_decode(const uint8_t in[SEGMENT_HEADER_SIZE], uint32_t *number_out)
{
	if (memcmp(in, SEGMENT_MAGIC, 8) != 0 || load_le32(in + 60) != hash_crc32c(0, in, 60))
		return ERR_CORRUPT;
	if (load_le32(in + 8) > SEGMENT_FORMAT)
		return ERR_VERSION;
	*number_out = load_le32(in + 12);
	return 0;
}
