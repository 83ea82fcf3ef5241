/* Records and keys: what was written is read, damage is refused, and keys stand in the order that the scans rely on. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queue/keys.h"
#include "queue/record.h"

static struct envelope_record some_envelope(void)
{
	return (struct envelope_record){
		.envelope = { .sender = STR("s@example.com"), .flags = QUEUE_VERP | QUEUE_8BIT, .envid = STR("QQ314"), .priority = -9, .arrived = 1790000000,
					  .not_before = 1790000100, .expires = 1790432000, .deliver_by = 1790000200, .user = STR("u@example.org"), .peer = STR("192.0.2.1") },
		.blob = 0xfedcba9876543210u, .size = 1234567, .warn_at = 1790014400, .told = TOLD_LATE, .clock = 1790014400, .owing = 3, .notice_at = 1790000007,
	};
}

static void an_envelope_comes_back(void **state)
{
	(void)state;
	struct envelope_record r = some_envelope(), got;
	struct buf b = BUF_INIT(0);
	envelope_record_encode(&r, &b);
	assert_int_equal(envelope_record_decode(buf_str(&b), &got), 0);
	assert_true(str_eq(got.envelope.sender, r.envelope.sender) && str_eq(got.envelope.envid, r.envelope.envid));
	assert_true(str_eq(got.envelope.user, r.envelope.user) && str_eq(got.envelope.peer, r.envelope.peer));
	assert_int_equal(got.envelope.flags, r.envelope.flags);
	assert_int_equal(got.envelope.priority, -9);
	assert_true(got.envelope.arrived == r.envelope.arrived && got.envelope.not_before == r.envelope.not_before);
	assert_true(got.envelope.expires == r.envelope.expires && got.envelope.deliver_by == r.envelope.deliver_by);
	assert_true(got.blob == r.blob && got.size == r.size && got.warn_at == r.warn_at && got.clock == r.clock && got.notice_at == r.notice_at);
	assert_int_equal(got.owing, 3);
	assert_int_equal(got.told, TOLD_LATE);
	buf_fini(&b);
}

static void a_group_comes_back(void **state)
{
	(void)state;
	struct entry entries[2] = {
		{ .r = { .address = STR("a@example.net"), .notify = QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_DELAY, .orcpt = STR("rfc822;x@example.org") }, .index = 9999,
		  .attempts = 300, .owed = QUEUE_FAILED, .settled = true, .last_attempt = 1790000001, .status = STR("5.1.1"), .reply = STR("no"), .remote = STR("mx") },
		{ .r = { .address = STR("b@example.net") }, .next = 1790000300 },
	};
	struct group_record r = { STR("example.net"), 1790000300, entries, 2 }, got;
	struct arena a = ARENA_INIT(0);
	struct buf b = BUF_INIT(0);
	group_record_encode(&r, &b);
	assert_int_equal(group_record_decode(buf_str(&b), &a, &got), 0);
	assert_true(str_eq(got.destination, r.destination) && got.due == r.due && got.n == 2);
	const struct entry *e = &got.entries[0];
	assert_true(str_eq(e->r.address, entries[0].r.address) && str_eq(e->r.orcpt, entries[0].r.orcpt) && str_eq(e->r.destination, r.destination));
	assert_true(e->r.notify == entries[0].r.notify && e->index == 9999 && e->attempts == 300 && e->owed == QUEUE_FAILED && e->settled);
	assert_true(str_eq(e->status, STR("5.1.1")) && str_eq(e->reply, STR("no")) && str_eq(e->remote, STR("mx")) && e->last_attempt == 1790000001);
	assert_true(!got.entries[1].settled && got.entries[1].next == 1790000300 && got.entries[1].r.notify == 0);
	assert_int_equal(group_record_pending(&got), 1);
	assert_int_equal(group_record_owing(&got), 1);
	arena_fini(&a);
	buf_fini(&b);
}

static void damage_is_refused(void **state)
{
	(void)state;
	struct envelope_record r = some_envelope(), got;
	struct buf b = BUF_INIT(0);
	envelope_record_encode(&r, &b);
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 0x20;
		assert_int_equal(envelope_record_decode(buf_str(&b), &got), ERR_CORRUPT);
		b.p[i] ^= 0x20;
		assert_int_equal(envelope_record_decode(str_make(b.p, i), &got), ERR_CORRUPT);
	}
	/* right checksums, wrong otherwise */
	for (size_t n = RECORD_HEADER; n < b.n; n++) {
		char cut[200];
		assert_true(n < sizeof(cut));
		memcpy(cut, b.p, n);
		queue_record_seal(cut, n);
		assert_int_equal(envelope_record_decode(str_make(cut, n), &got), ERR_CORRUPT);
	}
	struct shard_record shard;
	assert_int_equal(shard_record_decode(buf_str(&b), &shard), ERR_CORRUPT);
	assert_int_equal(envelope_record_decode(buf_str(&b), &got), 0);
	buf_fini(&b);
}

static void a_newer_version_is_told_apart(void **state)
{
	(void)state;
	/* as sealed by a program with version 2 */
	static const char newer[] = { 2, 's', 0, 0, 0x72, (char)0xae, (char)0xad, 0x4b };
	struct shard_record r;
	assert_int_equal(shard_record_decode(str_make(newer, sizeof(newer)), &r), ERR_VERSION);
}

static void keys_stand_in_order(void **state)
{
	(void)state;
	/* destination, band, due, id, group: each before the next */
	static const struct queue_key order[] = {
		{ STR_INIT("a.example"), 9, 5, 1, 0 }, { STR_INIT("a.example"), 9, 5, 1, 1 }, { STR_INIT("a.example"), 9, 5, 2, 0 },
		{ STR_INIT("a.example"), 9, 256, 1, 0 }, { STR_INIT("a.example"), 10, 1, 1, 0 }, { STR_INIT("a.examplex"), 0, 0, 0, 0 },
		{ STR_INIT("b"), 18, 1, 1, 0 },
	};
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		struct key k = key_queue(&order[i]), from = key_queue_band(order[i].destination, order[i].band);
		struct key end = key_queue_band(order[i].destination, BANDS);
		struct queue_key got;
		assert_true(str_cmp(key_str(&from), key_str(&k)) < 0 && str_cmp(key_str(&k), key_str(&end)) < 0);
		assert_true(key_read_queue(key_str(&k), &got));
		assert_true(str_eq(got.destination, order[i].destination) && got.band == order[i].band && got.due == order[i].due);
		assert_true(got.id == order[i].id && got.group == order[i].group);
		if (i == 0)
			continue;
		struct key last = key_queue(&order[i - 1]);
		assert_true(str_cmp(key_str(&last), key_str(&k)) < 0);
		last = key_queue_band(order[i - 1].destination, BANDS);
		if (!str_eq(order[i - 1].destination, order[i].destination))
			assert_true(str_cmp(key_str(&last), key_str(&k)) < 0);
	}
	struct key envelope = key_number(KEY_MESSAGE, 80), first = key_group(80, 0), last = key_group(80, 9999), end = key_message_end(80);
	assert_true(str_cmp(key_str(&envelope), key_str(&first)) < 0 && str_cmp(key_str(&first), key_str(&last)) < 0);
	assert_true(str_cmp(key_str(&last), key_str(&end)) < 0);
}

static void bands(void **state)
{
	(void)state;
	assert_int_equal(band_of_priority(9), 0);
	assert_int_equal(band_of_priority(0), 9);
	assert_int_equal(band_of_priority(-9), 18);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_envelope_comes_back), cmocka_unit_test(a_group_comes_back), cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(a_newer_version_is_told_apart), cmocka_unit_test(keys_stand_in_order), cmocka_unit_test(bands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
