/* Walking through segment files, sound ones and others. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"
#include "store/blob_segment/scan.h"
#include "store/blob_segment/segment_file.h"

#include <sys/mman.h>
#include <unistd.h>

#define NUMBER 3

/* A segment file being made in memory, record by record. */
struct maker {
	struct segment_file file;
};

static void maker_begin(struct maker *m)
{
	uint8_t header[SEGMENT_HEADER_SIZE];
	m->file = (struct segment_file){ .fd = memfd_create("segment", MFD_CLOEXEC), .number = NUMBER, .end = sizeof header,
		.synced = sizeof header, .filled = sizeof header };
	assert_true(m->file.fd >= 0);
	segment_header_encode(NUMBER, header);
	assert_int_equal(pwrite(m->file.fd, header, sizeof header, 0), sizeof header);
}

/* Returns its offset. id 0: the place itself. */
static uint64_t add(struct maker *m, struct str payload, uint64_t id)
{
	struct segment_batch b;
	uint64_t at = m->file.end;
	struct record r = { .kind = RECORD_BLOB, .id = id ? id : place_make(NUMBER, at), .synced = m->file.synced,
		.payload_size = (uint32_t)payload.n, .payload_crc = hash_crc32c(0, payload.p, payload.n), .n_tags = 1 };
	uint8_t head[RECORD_FIXED_SIZE + 8];
	store_tag tag = 77;
	record_encode(&r, &tag, head);
	segment_batch_begin(&b, &m->file);
	segment_batch_add(&b, head, sizeof head);
	segment_batch_add(&b, payload.p, payload.n);
	segment_batch_pad(&b);
	bool broken;
	assert_int_equal(segment_batch_end(&b, false, &broken), 0);
	assert_false(broken);
	return at;
}

static void harm(struct maker *m, uint64_t at)
{
	char c;
	assert_int_equal(pread(m->file.fd, &c, 1, (off_t)at), 1);
	c ^= 1;
	assert_int_equal(pwrite(m->file.fd, &c, 1, (off_t)at), 1);
}

/* "B64 P208 D400+48 E448": events with their offsets. */
static void walk(struct maker *m, bool verify, char *out, size_t size, uint64_t *extent_out, uint64_t *synced_out)
{
	struct segment_scan *s;
	struct scan_item item;
	size_t n = 0;
	int rc;
	out[0] = '\0';
	assert_int_equal(segment_scan_begin(m->file.fd, NUMBER, verify, &s), 0);
	while ((rc = segment_scan_next(s, &item)) == 1) {
		n += (size_t)snprintf(out + n, size - n, "%s%c%llu", n ? " " : "", "BPDE"[item.event],
							  (unsigned long long)item.offset);
		if (item.event == SCAN_DAMAGE)
			n += (size_t)snprintf(out + n, size - n, "+%llu", (unsigned long long)item.size);
		if (item.event == SCAN_BLOB || item.event == SCAN_BAD_PAYLOAD)
			assert_true(item.record.n_tags == 1 && record_tag(&item.record, 0) == 77);
	}
	assert_int_equal(rc, 0);
	*extent_out = segment_scan_extent(s);
	*synced_out = segment_scan_synced(s);
	segment_scan_end(&s);
	assert_null(s);
}

static void assert_walk(struct maker *m, bool verify, const char *expected, uint64_t extent, uint64_t synced)
{
	char got[1024];
	uint64_t got_extent, got_synced;
	walk(m, verify, got, sizeof got, &got_extent, &got_synced);
	assert_string_equal(got, expected);
	assert_int_equal(got_extent, extent);
	assert_int_equal(got_synced, synced);
}

/* Records of 48 + 80 + padding = 128 bytes at 64, 192, 320. */
static void make_three(struct maker *m)
{
	char text[80];
	maker_begin(m);
	for (int i = 0; i < 3; i++) {
		memset(text, 'a' + i, sizeof text);
		assert_int_equal(add(m, str_make(text, sizeof text), 0), 64 + 128 * i);
	}
}

static void a_sound_file(void **state)
{
	(void)state;
	struct maker m;
	maker_begin(&m);
	assert_walk(&m, true, "", 64, 64);
	close(m.file.fd);
	make_three(&m);
	assert_walk(&m, true, "B64 B192 B320", 448, 320); /* the last one was not yet known durable when it was written */
	assert_walk(&m, false, "B64 B192 B320", 448, 320);
	assert_int_equal(segment_file_finish(&m.file), 0);
	assert_walk(&m, true, "B64 B192 B320 E448", 448, 448);
	close(m.file.fd);
}

static void a_bad_payload(void **state)
{
	(void)state;
	struct maker m;
	make_three(&m);
	harm(&m, 192 + 48 + 79);
	assert_walk(&m, true, "B64 P192 B320", 448, 320);
	assert_walk(&m, false, "B64 B192 B320", 448, 320);
	close(m.file.fd);
}

static void a_bad_head(void **state)
{
	(void)state;
	struct maker m;
	make_three(&m);
	harm(&m, 192 + 13);
	assert_walk(&m, true, "B64 D192+128 B320", 448, 320);
	harm(&m, 320);
	/* Nothing good follows: what was promised is damage, what was not is a crash's business. */
	assert_walk(&m, true, "B64", 192, 64);
	harm(&m, 320);
	harm(&m, 64);
	assert_walk(&m, true, "D64+256 B320", 448, 320);
	close(m.file.fd);
}

static void a_torn_end(void **state)
{
	(void)state;
	struct maker m;
	make_three(&m);
	char zeros[128] = { 0 };
	assert_int_equal(pwrite(m.file.fd, zeros, 100, 320 + 28), 100);
	assert_walk(&m, true, "B64 B192", 320, 192);
	assert_int_equal(ftruncate(m.file.fd, 192 + 60), 0);
	assert_walk(&m, true, "B64", 192, 64);
	assert_int_equal(ftruncate(m.file.fd, 64), 0);
	assert_walk(&m, true, "", 64, 64);
	close(m.file.fd);
}

/* A payload may hold what looks like a record; it is not met as long as the record around it is good, and not believed
 * otherwise, for it names another place in this file. */
static void a_record_within_a_payload(void **state)
{
	(void)state;
	struct maker m;
	char inner[128];
	make_three(&m);
	assert_int_equal(pread(m.file.fd, inner, sizeof inner, 64), sizeof inner);
	uint64_t at = add(&m, str_make(inner, sizeof inner), 0);
	add(&m, STR("after"), 0);
	assert_int_equal(at, 448);
	assert_walk(&m, true, "B64 B192 B320 B448 B624", 688, 624);
	harm(&m, at);
	assert_walk(&m, true, "B64 B192 B320 D448+176 B624", 688, 624);
	close(m.file.fd);
}

static void moved_records_keep_their_ids(void **state)
{
	(void)state;
	struct maker m;
	maker_begin(&m);
	add(&m, STR("moved"), place_make(1, 640));
	assert_walk(&m, true, "B64", 128, 64);
	close(m.file.fd);
}

/* Larger than the window that the scan reads at once. */
static void large_records(void **state)
{
	(void)state;
	struct maker m;
	size_t size = 3500000;
	char *bytes = malloc(size);
	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(i * i >> 7);
	maker_begin(&m);
	uint64_t first = add(&m, str_make(bytes, size), 0), second = add(&m, STR("x"), 0);
	uint64_t third = add(&m, str_make(bytes, size), 0);
	char expected[128];
	snprintf(expected, sizeof expected, "B%llu B%llu B%llu", (unsigned long long)first, (unsigned long long)second,
			 (unsigned long long)third);
	assert_walk(&m, true, expected, m.file.end, third);
	harm(&m, third + 3000000);
	snprintf(expected, sizeof expected, "B%llu B%llu P%llu", (unsigned long long)first, (unsigned long long)second,
			 (unsigned long long)third);
	assert_walk(&m, true, expected, m.file.end, third);
	free(bytes);
	close(m.file.fd);
}

static void other_files_are_refused(void **state)
{
	(void)state;
	struct maker m;
	struct segment_scan *s;
	make_three(&m);
	assert_int_equal(segment_scan_begin(m.file.fd, NUMBER + 1, true, &s), ERR_INVALID);
	assert_null(s);
	harm(&m, 0);
	assert_int_equal(segment_scan_begin(m.file.fd, NUMBER, true, &s), ERR_CORRUPT);
	assert_int_equal(ftruncate(m.file.fd, 10), 0);
	assert_int_equal(segment_scan_begin(m.file.fd, NUMBER, true, &s), ERR_CORRUPT);
	close(m.file.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_file),
		cmocka_unit_test(a_bad_payload),
		cmocka_unit_test(a_bad_head),
		cmocka_unit_test(a_torn_end),
		cmocka_unit_test(a_record_within_a_payload),
		cmocka_unit_test(moved_records_keep_their_ids),
		cmocka_unit_test(large_records),
		cmocka_unit_test(other_files_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
