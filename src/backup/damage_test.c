/* Every octet of a repository spoilt, one after another: verify says so, and nothing wrong ever comes out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "backup/fixture.h"
#include "backup/record.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "rt/crypto_seal.h"

#include <stdlib.h>
#include <unistd.h>

#define CHUNKS 6

struct exhibit {
	struct scene s;
	struct chunk_id ids[CHUNKS];
	struct buf bytes[CHUNKS];
};

static void exhibit_init(struct exhibit *x, const char *passphrase)
{
	static const size_t sizes[CHUNKS] = { 0, 40, 300, 500, 90, 150 };
	struct buf snapshot = BUF_INIT(0);
	char id[SNAPSHOT_ID_MAX];
	scene_init(&x->s, passphrase);
	for (size_t i = 0; i < CHUNKS; i++) {
		buf_init(&x->bytes[i], 0);
		scene_bytes(&x->bytes[i], i + 1, sizes[i], i % 2);
		assert_int_equal(repository_put(x->s.r, buf_str(&x->bytes[i]), &x->ids[i], NULL), 0);
		buf_add(&snapshot, x->ids[i].b, CHUNK_ID_SIZE);
	}
	assert_int_equal(repository_snapshot_put(x->s.r, 0, buf_str(&snapshot), id), 0);
	assert_int_equal(repository_note_put(x->s.r, "note", STR("something to know")), 0);
	buf_fini(&snapshot);
	scene_reopen(&x->s, false);
	assert_int_equal(scene_verify(&x->s), 0);
}

static void exhibit_fini(struct exhibit *x)
{
	for (size_t i = 0; i < CHUNKS; i++)
		buf_fini(&x->bytes[i]);
	scene_fini(&x->s);
}

/* What comes out is right or does not come. Returns how many do not. */
static int get_all(struct exhibit *x)
{
	struct buf out = BUF_INIT(0);
	int lost = 0;
	for (size_t i = 0; i < CHUNKS; i++) {
		buf_reset(&out);
		int e = repository_get(x->s.r, &x->ids[i], &out);
		if (e) {
			lost++;
			assert_true(e == ERR_CORRUPT || e == ERR_NOT_FOUND);
			assert_int_equal(out.n, 0);
		} else {
			assert_true(str_eq(buf_str(&out), buf_str(&x->bytes[i])));
		}
	}
	buf_reset(&out);
	int e = repository_snapshot_get(x->s.r, "", &out);
	assert_true(e == ERR_CORRUPT || (e == 0 && out.n == (size_t)CHUNKS * CHUNK_ID_SIZE));
	for (size_t i = 0; i < CHUNKS && e == 0; i++)
		assert_memory_equal(out.p + i * CHUNK_ID_SIZE, x->ids[i].b, CHUNK_ID_SIZE);
	buf_reset(&out);
	e = repository_note_get(x->s.r, "note", &out);
	assert_true(e == ERR_CORRUPT || (e == 0 && str_eq(buf_str(&out), STR("something to know"))));
	buf_fini(&out);
	return lost;
}

/* 0, or why it could not be opened. */
static int try_open(struct exhibit *x, bool write)
{
	repository_close(&x->s.r);
	struct repository_config c = { .dir = x->s.dir, .write = write, .passphrase = str_from_c(x->s.passphrase) };
	return repository_open(&c, &x->s.r, NULL);
}

static void spoil(struct exhibit *x, bool reopen)
{
	char path[256];
	struct buf whole = BUF_INIT(0);
	unsigned spoilt = 0, files = 0;
	for (unsigned f = 0; scene_file(x->s.dir, f, path, sizeof(path)); f++) {
		buf_reset(&whole);
		scene_read_file(path, &whole);
		files += whole.n > 0;
		bool is_pack = strstr(path, "/packs/") != NULL;
		for (size_t i = 0; i < whole.n; i++) {
			whole.p[i] ^= (char)(1 << (i % 8));
			scene_write_file(path, buf_str(&whole));
			/* one octet spoils at most the chunk it is in, also when the pack is read for the first time */
			if (reopen)
				assert_int_equal(try_open(x, false), 0);
			assert_in_range(get_all(x), 0, is_pack ? 1 : 0);
			assert_in_range(scene_verify(&x->s), 1, 5);
			whole.p[i] ^= (char)(1 << (i % 8));
			spoilt++;
		}
		scene_write_file(path, buf_str(&whole));
	}
	print_message("%u octets of %u files\n", spoilt, files);
	assert_int_equal(files, 5);
	assert_int_equal(get_all(x), 0);
	assert_int_equal(scene_verify(&x->s), 0);
	buf_fini(&whole);
}

static void test_octets(void **state)
{
	(void)state;
	struct exhibit x;
	exhibit_init(&x, "");
	spoil(&x, true);
	exhibit_fini(&x);
}

static void test_octets_sealed(void **state)
{
	(void)state;
	struct exhibit x;
	exhibit_init(&x, "secret");
	spoil(&x, false);
	exhibit_fini(&x);
}

/* With all checksums right, what is sealed still cannot be changed, and what is not still must be what its id says. */
static void forge(const char *passphrase)
{
	struct exhibit x;
	struct buf whole = BUF_INIT(0), out = BUF_INIT(0);
	char folder[160], path[256];
	exhibit_init(&x, passphrase);
	snprintf(folder, sizeof(folder), "%s/packs", x.s.dir);
	assert_true(scene_file(folder, 0, path, sizeof(path)));
	scene_read_file(path, &whole);
	uint8_t *second = (uint8_t *)whole.p + FILE_HEAD_SIZE + RECORD_HEAD_SIZE + (*passphrase ? CRYPTO_SEAL_TAG : 0);
	struct record_head h;
	assert_int_equal(record_head_decode(second, &h), 0);
	for (uint32_t i = 0; i < RECORD_HEAD_SIZE + h.stored; i++) {
		uint8_t *at = second + i;
		if (i >= RECORD_BESIDE_SIZE && i < RECORD_HEAD_SIZE)
			continue;                              /* the checksums themselves */
		*at ^= 4;
		store_le32(second + 48, hash_crc32c(0, second + RECORD_HEAD_SIZE, h.stored));
		store_le32(second + 52, hash_crc32c(0, second, 52));
		scene_write_file(path, buf_str(&whole));
		buf_reset(&out);
		assert_int_equal(repository_get(x.s.r, &x.ids[1], &out), ERR_CORRUPT);
		*at ^= 4;
	}
	buf_fini(&whole);
	buf_fini(&out);
	exhibit_fini(&x);
}

static void test_forged(void **state)
{
	(void)state;
	forge("");
	forge("secret");
}

/* The trailer and any stretch before it: all chunks but those that it touches are found again. */
static void test_stretch(void **state)
{
	(void)state;
	struct exhibit x;
	struct buf whole = BUF_INIT(0), spoilt = BUF_INIT(0);
	char folder[160], path[256];
	exhibit_init(&x, "");
	snprintf(folder, sizeof(folder), "%s/packs", x.s.dir);
	assert_true(scene_file(folder, 0, path, sizeof(path)));
	scene_read_file(path, &whole);
	size_t records = whole.n - PACK_END_SIZE - RECORD_HEAD_SIZE - (size_t)CHUNKS * TRAILER_ENTRY_SIZE;
	for (size_t i = 0; i + 40 < records; i += 3) {
		buf_reset(&spoilt);
		buf_add_str(&spoilt, buf_str(&whole));
		memset(spoilt.p + i, 'T', 40);
		memset(spoilt.p + records + 100, 0, 8);
		scene_write_file(path, buf_str(&spoilt));
		assert_int_equal(try_open(&x, false), 0);
		assert_in_range(get_all(&x), 0, 2);
		assert_in_range(scene_verify(&x.s), 2, 6);
	}
	buf_fini(&whole);
	buf_fini(&spoilt);
	exhibit_fini(&x);
}

/* A file that ends too soon, at every length; and one that is not there. */
static void test_short(void **state)
{
	(void)state;
	struct exhibit x;
	char path[256];
	struct buf whole = BUF_INIT(0);
	exhibit_init(&x, "");
	for (unsigned f = 0; scene_file(x.s.dir, f, path, sizeof(path)); f++) {
		buf_reset(&whole);
		scene_read_file(path, &whole);
		for (size_t n = 0; n < whole.n; n++) {
			scene_write_file(path, str_sub(buf_str(&whole), 0, n));
			assert_int_equal(try_open(&x, false), 0);
			get_all(&x);
			assert_in_range(scene_verify(&x.s), 1, 8);
		}
		scene_write_file(path, buf_str(&whole));
		assert_int_equal(try_open(&x, false), 0);
		assert_int_equal(scene_verify(&x.s), 0);
	}
	snprintf(path, sizeof(path), "%s/packs", x.s.dir);
	char pack[256];
	assert_true(scene_file(path, 0, pack, sizeof(pack)));
	assert_int_equal(unlink(pack), 0);
	assert_int_equal(try_open(&x, false), 0);
	assert_int_equal(get_all(&x), CHUNKS);
	assert_int_equal(scene_verify(&x.s), 1);
	buf_fini(&whole);
	exhibit_fini(&x);
}

/* Both copies of the first file. */
static void test_no_keys(void **state)
{
	(void)state;
	struct exhibit x;
	char a[160], b[160];
	struct buf whole = BUF_INIT(0), again = BUF_INIT(0);
	exhibit_init(&x, "secret");
	snprintf(a, sizeof(a), "%s/repository", x.s.dir);
	snprintf(b, sizeof(b), "%s/repository.copy", x.s.dir);
	scene_read_file(a, &whole);
	assert_int_equal(unlink(a), 0);
	assert_int_equal(try_open(&x, true), 0);      /* a writer puts it right */
	scene_read_file(a, &again);
	assert_true(str_eq(buf_str(&whole), buf_str(&again)));
	assert_int_equal(scene_verify(&x.s), 0);
	scene_write_file(a, str_sub(buf_str(&whole), 0, 30));
	scene_write_file(b, STR(""));
	assert_int_equal(try_open(&x, true), ERR_CORRUPT);
	scene_write_file(b, buf_str(&whole));
	assert_int_equal(try_open(&x, false), 0);
	assert_int_equal(scene_verify(&x.s), 1);
	buf_fini(&whole);
	buf_fini(&again);
	exhibit_fini(&x);
}

/* A format newer than ours, of the repository or of a file in it. */
static void test_version(void **state)
{
	(void)state;
	struct exhibit x;
	char path[256];
	struct buf whole = BUF_INIT(0), out = BUF_INIT(0);
	exhibit_init(&x, "");
	for (unsigned f = 0; scene_file(x.s.dir, f, path, sizeof(path)); f++) {
		buf_reset(&whole);
		scene_read_file(path, &whole);
		if (whole.n < FILE_HEAD_SIZE)
			continue;
		uint8_t head[FILE_HEAD_SIZE];
		memcpy(head, whole.p, sizeof(head));
		store_le32(whole.p + 8, BACKUP_VERSION + 1);
		store_le32(whole.p + 60, hash_crc32c(0, whole.p, 60));
		scene_write_file(path, buf_str(&whole));
		bool opens = strstr(path, "/snapshots/") || strstr(path, "/notes/");
		assert_int_equal(try_open(&x, true), strstr(path, "repository.copy") || !opens ? ERR_VERSION : 0);
		if (strstr(path, "/snapshots/"))
			assert_int_equal(repository_snapshot_get(x.s.r, "", &out), ERR_VERSION);
		if (strstr(path, "/notes/"))
			assert_int_equal(repository_note_get(x.s.r, "note", &out), ERR_VERSION);
		memcpy(whole.p, head, sizeof(head));
		scene_write_file(path, buf_str(&whole));
	}
	assert_int_equal(try_open(&x, true), 0);
	assert_int_equal(scene_verify(&x.s), 0);
	buf_fini(&whole);
	buf_fini(&out);
	exhibit_fini(&x);
}

/* Files of another repository, or under another's name, are not taken. */
static void test_strangers(void **state)
{
	(void)state;
	struct exhibit x, y;
	char path[160], other[160];
	struct buf whole = BUF_INIT(0), out = BUF_INIT(0);
	exhibit_init(&x, "");
	exhibit_init(&y, "");
	snprintf(path, sizeof(path), "%s/snapshots/19700101T000000Z", x.s.dir);
	snprintf(other, sizeof(other), "%s/snapshots/19700101T000000Z", y.s.dir);
	scene_read_file(path, &whole);
	scene_write_file(other, buf_str(&whole));
	assert_int_equal(repository_snapshot_get(y.s.r, "", &out), ERR_CORRUPT);
	assert_int_equal(scene_verify(&y.s), 1);
	snprintf(other, sizeof(other), "%s/snapshots/20300101T000000Z", x.s.dir);
	scene_write_file(other, buf_str(&whole));
	assert_int_equal(repository_snapshot_get(x.s.r, "", &out), ERR_CORRUPT);
	assert_int_equal(repository_snapshot_get(x.s.r, "19700101T000000Z", &out), 0);
	buf_fini(&whole);
	buf_fini(&out);
	exhibit_fini(&x);
	exhibit_fini(&y);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_octets),
		cmocka_unit_test(test_octets_sealed),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_stretch),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_no_keys),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_strangers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
