#include "outbound/sts_record.h"

#include "base/bytes.h"

#define STS_RECORD_VERSION 1

void sts_record_encode(const struct sts_record *r, struct buf *out)
{
	buf_add_u8(out, STS_RECORD_VERSION);
	buf_add_le64(out, (uint64_t)r->fetched);
	buf_add_le64(out, (uint64_t)r->used);
	buf_add_varint(out, r->id.n);
	buf_add_str(out, r->id);
	buf_add_varint(out, r->text.n);
	buf_add_str(out, r->text);
}

bool sts_record_decode(struct str bytes, struct sts_record *out)
{
	struct cursor c = cursor_make(bytes);

	if (cursor_u8(&c) != STS_RECORD_VERSION)
		return false;
	out->fetched = (int64_t)cursor_le64(&c);
	out->used = (int64_t)cursor_le64(&c);
	out->id = cursor_bytes(&c, cursor_varint(&c));
	out->text = cursor_bytes(&c, cursor_varint(&c));
	return !c.bad && cursor_left(&c) == 0 && out->id.n <= STS_ID_MAX && out->text.n <= STS_POLICY_MAX;
}
