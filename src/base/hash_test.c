#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/hash.h"

#include <pthread.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

typedef uint32_t crc_fn(uint32_t crc, const void *p, size_t n);
static crc_fn *const crc_ways[] = { hash_crc32c, hash_crc32c_table };

static void test_crc32c_vectors(void **state)
{
	(void)state;
	uint8_t zeros[32] = { 0 }, ones[32], up[32], down[32];
	for (unsigned i = 0; i < 32; i++) {
		ones[i] = 0xff;
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	/* "An iSCSI - SCSI Read (10) Command PDU" */
	static const uint8_t pdu[48] = {
		0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18,
		0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	};
	/* RFC 3720 B.4 prints the CRC bytes in wire order, the lowest first. */
	const struct {
		const void *p;
		size_t n;
		uint32_t crc;
	} table[] = {
		{ zeros, 32, 0x8a9136aa }, { ones, 32, 0x62a8ab43 }, { up, 32, 0x46dd794e },
		{ down, 32, 0x113fdb5c },  { pdu, 48, 0xd9963a56 },  { "123456789", 9, 0xe3069283 },
		{ "", 0, 0 },
	};
	for (size_t i = 0; i < COUNT(table); i++)
		for (size_t way = 0; way < COUNT(crc_ways); way++)
			assert_int_equal(crc_ways[way](0, table[i].p, table[i].n), table[i].crc);
}

static void test_crc32c_bit(void **state)
{
	(void)state;
	uint8_t data[400] = { 0 };
	for (size_t n = 1; n <= sizeof(data); n += 57) {
		uint32_t right = hash_crc32c(0, data, n);
		for (size_t bit = 0; bit < 8 * n; bit++) {
			data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_equal(hash_crc32c_bit(hash_crc32c(0, data, n) ^ right, n), bit);
			/* two */
			data[n - 1] ^= 0x80;
			if (bit != 8 * n - 1)
				assert_true(hash_crc32c_bit(hash_crc32c(0, data, n) ^ right, n) == SIZE_MAX);
			data[n - 1] ^= 0x80;
			data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	assert_true(hash_crc32c_bit(1, 0) == SIZE_MAX);
}

static void test_crc32c_chains(void **state)
{
	(void)state;
	uint8_t data[100];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * i + 3);
	uint32_t whole = hash_crc32c(0, data, sizeof(data));
	for (size_t cut = 0; cut <= sizeof(data); cut++) {
		uint32_t first = hash_crc32c(0, data, cut);
		assert_int_equal(hash_crc32c(first, data + cut, sizeof(data) - cut), whole);
		assert_int_equal(hash_crc32c_table(first, data + cut, sizeof(data) - cut), whole);
		assert_int_equal(hash_crc32c_table(0, data, cut), first);
	}
	assert_int_equal(hash_crc32c(whole, NULL, 0), whole);
}

/* What goes in lanes: every length over their sizes, from every alignment, and the lanes one after the other. */
static void test_crc32c_long(void **state)
{
	(void)state;
	static uint8_t data[16384];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * i + (i >> 3) + (i >> 9) * 77);
	for (size_t n = 0; n < sizeof(data) - 8; n += n < 900 ? 1 : 61)
		assert_int_equal(hash_crc32c((uint32_t)n, data + n % 8, n), hash_crc32c_table((uint32_t)n, data + n % 8, n));
}

static void test_siphash_vectors(void **state)
{
	(void)state;
	/* Key 00..0f, messages 00, 01, ... of each length: the 15-byte one is the paper's example (appendix A), the others
	 * are from the authors' reference implementation. */
	static const struct {
		size_t n;
		uint64_t hash;
	} table[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },
		{ 1, UINT64_C(0x74f839c593dc67fd) },
		{ 7, UINT64_C(0xab0200f58b01d137) },
		{ 8, UINT64_C(0x93f5f5799a932462) },
		{ 15, UINT64_C(0xa129ca6149be45e5) },
	};
	uint8_t key[HASH_SIPHASH_KEY], message[16];
	for (size_t i = 0; i < 16; i++)
		key[i] = message[i] = (uint8_t)i;
	for (size_t i = 0; i < COUNT(table); i++)
		assert_int_equal(hash_siphash_keyed(key, str_make(message, table[i].n)), table[i].hash);
	assert_int_equal(hash_siphash_keyed(key, STR_NONE), table[0].hash);
}

static void *hash_one(void *out)
{
	*(uint64_t *)out = hash_siphash(STR("same"));
	return NULL;
}

/* First use from several threads at once: all see one key. */
static void test_siphash_process_key(void **state)
{
	(void)state;
	enum { THREADS = 8 };
	pthread_t threads[THREADS];
	uint64_t hashes[THREADS];
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hash_one, &hashes[i]), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(hashes[i], hash_siphash(STR("same")));
	uint8_t zero_key[HASH_SIPHASH_KEY] = { 0 };
	assert_int_not_equal(hash_siphash(STR("same")), hash_siphash_keyed(zero_key, STR("same")));
	assert_int_not_equal(hash_siphash(STR("same")), hash_siphash(STR("sama")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash_process_key),
		cmocka_unit_test(test_crc32c_vectors), cmocka_unit_test(test_crc32c_long),
		cmocka_unit_test(test_crc32c_chains),
		cmocka_unit_test(test_crc32c_bit),
		cmocka_unit_test(test_siphash_vectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
