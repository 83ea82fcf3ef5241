/* Any bytes as stored values, under a right checksum, and as keys: what a record says is within its bounds or refused, and what was read is
 * written and read again the same. The first byte chooses the kind. */
#include "queue/keys.h"
#include "queue/record.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Decodes value and encodes it again; false: refused. */
typedef bool again_fn(struct str value, struct arena *a, struct buf *out);

static bool shard_again(struct str value, struct arena *a, struct buf *out)
{
	struct shard_record r;
	(void)a;
	if (shard_record_decode(value, &r))
		return false;
	shard_record_encode(&r, out);
	return true;
}

static bool envelope_again(struct str value, struct arena *a, struct buf *out)
{
	struct envelope_record r;
	(void)a;
	if (envelope_record_decode(value, &r))
		return false;
	assert(r.envelope.priority >= -9 && r.envelope.priority <= 9 && r.clock >= 0 && r.envelope.expires >= 0);
	assert(r.envelope.sender.n <= QUEUE_TEXT_MAX && r.envelope.peer.n <= QUEUE_TEXT_MAX);
	envelope_record_encode(&r, out);
	return true;
}

static bool group_again(struct str value, struct arena *a, struct buf *out)
{
	struct group_record r;
	if (group_record_decode(value, a, &r))
		return false;
	assert(r.n >= 1 && r.n <= QUEUE_GROUP_MAX && r.destination.n >= 1 && r.destination.n <= QUEUE_DESTINATION_MAX);
	assert(group_record_pending(&r) <= r.n && group_record_owing(&r) <= r.n);
	for (size_t i = 0; i < r.n; i++)
		assert(r.entries[i].reply.n <= QUEUE_REPLY_MAX && r.entries[i].r.address.n <= QUEUE_TEXT_MAX && r.entries[i].next >= 0);
	group_record_encode(&r, out);
	return true;
}

static bool destination_again(struct str value, struct arena *a, struct buf *out)
{
	struct destination_record r;
	(void)a;
	if (destination_record_decode(value, &r))
		return false;
	destination_record_encode(&r, out);
	return true;
}

static void try_record(again_fn *again, struct str value)
{
	struct arena a = ARENA_INIT(0);
	struct buf once = BUF_INIT(0), twice = BUF_INIT(0);
	if (again(value, &a, &once)) {
		/* the first may differ: a number can be written in more ways than one */
		assert(!once.failed && again(buf_str(&once), &a, &twice));
		assert(str_eq(buf_str(&once), buf_str(&twice)));
	}
	buf_fini(&once);
	buf_fini(&twice);
	arena_fini(&a);
}

static void try_key(struct str bytes)
{
	struct queue_key k;
	uint64_t id;
	int64_t when;
	unsigned group;
	if (bytes.n == 0)
		return;
	if (bytes.p[0] == KEY_QUEUE && key_read_queue(bytes, &k)) {
		struct key again = key_queue(&k);
		assert(str_eq(key_str(&again), bytes));
	}
	if (bytes.p[0] == KEY_MESSAGE && key_read_message(bytes, &id, &group)) {
		struct key again = group == GROUP_NOTICE ? key_number(KEY_MESSAGE, id) : key_group(id, group);
		assert(str_eq(key_str(&again), bytes));
	}
	if (bytes.p[0] == KEY_TIME && key_read_time(bytes, &when, &id)) {
		struct key again = key_time(when, id);
		assert(str_eq(key_str(&again), bytes));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static again_fn *const kinds[] = { shard_again, envelope_again, group_again, destination_again };
	if (n < 1)
		return 0;
	char *copy = malloc(n);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, n - 1);
	try_key(str_make(copy, n - 1));
	try_record(kinds[data[0] % 4], str_make(copy, n - 1));
	if (n - 1 >= RECORD_HEADER) {
		queue_record_seal(copy, n - 1);
		try_record(kinds[data[0] % 4], str_make(copy, n - 1));
	}
	free(copy);
	return 0;
}
