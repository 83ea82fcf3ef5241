#include "directory/familiar.h"

#include "base/bytes.h"
#include "directory/limits.h"
#include "directory/record.h"

struct entry {
	uint64_t network;
	uint32_t day;
};

/* A record that cannot be read knows nobody: it will be written anew. False at its end. */
static bool next(struct cursor *c, struct entry *out)
{
	if (cursor_left(c) == 0)
		return false;
	out->network = cursor_le64(c);
	out->day = cursor_le32(c);
	return !c->bad;
}

bool familiar_has(struct str record, uint64_t network, uint32_t today, bool *fresh_out)
{
	struct cursor c;
	struct entry e;
	*fresh_out = false;
	if (record_open(record, &c) != 0)
		return false;
	while (next(&c, &e))
		if (e.network == network && e.day + FAMILIAR_DAYS >= today) {
			*fresh_out = e.day + FAMILIAR_RENEW_DAYS > today;
			return true;
		}
	return false;
}

static void add(struct buf *out, uint64_t network, uint32_t day)
{
	buf_add_le64(out, network);
	buf_add_le32(out, day);
}

void familiar_add(struct str old, uint64_t network, uint32_t today, struct buf *out)
{
	struct cursor c;
	struct entry e;
	unsigned n = 1;
	record_begin(out);
	add(out, network, today);
	if (record_open(old, &c) != 0)
		return;
	while (n < FAMILIAR_NETWORKS && next(&c, &e))
		if (e.network != network && e.day + FAMILIAR_DAYS >= today) {
			add(out, e.network, e.day);
			n++;
		}
}
