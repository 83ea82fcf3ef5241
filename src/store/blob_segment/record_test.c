/* The bytes of a record and of a file header are those of doc/format/store.md. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "store/blob_segment/record.h"
#include "store/blob_segment/segment_file.h"

static void a_record_has_these_bytes(void **state)
{
	(void)state;
	struct record r = { .kind = RECORD_BLOB, .id = 0x0000000700000104u, .synced = 0x1020, .payload_size = 0x0a0b0c,
		.payload_crc = 0x11223344, .n_tags = 2 };
	store_tag tags[2] = { 0x0200000000000009u, 0x0300000000000001u };
	uint8_t head[56];
	memset(head, 0xee, sizeof head);
	record_encode(&r, tags, head);
	static const uint8_t expected[48] = {
		2, 0, 1, 0,                       /* n_tags, kind */
		0x0c, 0x0b, 0x0a, 0,              /* payload size */
		0x44, 0x33, 0x22, 0x11,           /* payload crc */
		0, 0, 0, 0,
		0x04, 0x01, 0, 0, 7, 0, 0, 0,     /* id */
		0x20, 0x10, 0, 0, 0, 0, 0, 0,     /* synced */
		9, 0, 0, 0, 0, 0, 0, 2,
		1, 0, 0, 0, 0, 0, 0, 3,
	};
	assert_memory_equal(head, "Tkbl", 4);
	assert_memory_equal(head + 8, expected, sizeof expected);
	assert_int_equal(load_le32(head + 4), hash_crc32c(0, expected, sizeof expected));
	assert_int_equal(record_head_size(2), 56);
	assert_int_equal(record_head_peek(head), 56);

	struct record got;
	assert_int_equal(record_decode(str_make(head, 56), &got), 0);
	assert_true(got.kind == RECORD_BLOB && got.id == r.id && got.synced == r.synced);
	assert_true(got.payload_size == r.payload_size && got.payload_crc == r.payload_crc && got.n_tags == 2);
	assert_true(record_tag(&got, 0) == tags[0] && record_tag(&got, 1) == tags[1]);
	assert_true(record_has_tag(&got, tags[1]));
	assert_false(record_has_tag(&got, 1));
}

static void every_flipped_bit_is_seen(void **state)
{
	(void)state;
	struct record r = { .kind = RECORD_END, .id = 5, .synced = 80 }, got;
	uint8_t head[RECORD_FIXED_SIZE];
	record_encode(&r, NULL, head);
	for (size_t bit = 0; bit < 8 * sizeof head; bit++) {
		head[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(record_decode(str_make(head, sizeof head), &got), ERR_CORRUPT);
		head[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(record_decode(str_make(head, sizeof head), &got), 0);
	assert_int_equal(record_decode(str_make(head, sizeof head - 1), &got), ERR_CORRUPT);
}

/* Right checksum, impossible content. */
static void impossible_values_are_refused(void **state)
{
	(void)state;
	static const struct {
		size_t at;
		uint32_t value;
	} cases[] = {
		{ 8, 3u << 16 }, { 8, 0 }, { 8, 1u << 16 | 4097 }, { 12, ((uint32_t)64 << 20) + 1 }, { 12, UINT32_MAX }
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct record r = { .kind = RECORD_BLOB, .id = 5 }, got;
		uint8_t head[RECORD_FIXED_SIZE];
		record_encode(&r, NULL, head);
		store_le32(head + cases[i].at, cases[i].value);
		store_le32(head + 4, hash_crc32c(0, head + 8, sizeof head - 8));
		assert_int_equal(record_decode(str_make(head, sizeof head), &got), ERR_CORRUPT);
	}
}

static void places_and_sizes(void **state)
{
	(void)state;
	uint64_t place = place_make(0xfffffffe, (uint64_t)0xffffffff * 16);
	assert_true(place == 0xfffffffeffffffffu);
	assert_true(place_segment(place) == 0xfffffffe && place_offset(place) == (uint64_t)0xffffffff * 16);
	assert_int_equal(record_size(0, 0), 48);
	assert_int_equal(record_size(0, 8), 48);
	assert_int_equal(record_size(0, 9), 64);
	assert_int_equal(record_size(1, 0), 48);
	assert_int_equal(record_size(1, 1), 64);
	char name[SEGMENT_NAME_SIZE];
	segment_name(0x12ab, name);
	assert_string_equal(name, "000012ab.seg");
	assert_int_equal(segment_name_parse(name), 0x12ab);
	static const char *const bad[] = { "", "12ab.seg", "000012AB.seg", "000012ab.se", "000012ab.segx", "000012ag.seg",
		"0000012ab.seg" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(segment_name_parse(bad[i]), 0);
}

static void a_file_header_has_these_bytes(void **state)
{
	(void)state;
	uint8_t header[SEGMENT_HEADER_SIZE];
	uint8_t expected[60] = { 'T', 'R', 'K', 'S', 'E', 'G', '\r', '\n', 1, 0, 0, 0, 0x34, 0x12, 0, 0 };
	uint32_t number = 0;
	segment_header_encode(0x1234, header);
	assert_memory_equal(header, expected, 60);
	assert_int_equal(load_le32(header + 60), hash_crc32c(0, expected, 60));
	assert_int_equal(segment_header_decode(header, &number), 0);
	assert_int_equal(number, 0x1234);
	header[12] ^= 1;
	assert_int_equal(segment_header_decode(header, &number), ERR_CORRUPT);
	header[12] ^= 1;
	header[8] = 2;
	store_le32(header + 60, hash_crc32c(0, header, 60));
	assert_int_equal(segment_header_decode(header, &number), ERR_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_has_these_bytes),
		cmocka_unit_test(every_flipped_bit_is_seen),
		cmocka_unit_test(impossible_values_are_refused),
		cmocka_unit_test(places_and_sizes),
		cmocka_unit_test(a_file_header_has_these_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
