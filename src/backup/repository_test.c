/* What repository.h promises. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "backup/repository.h"
#include "backup/fixture.h"

#include <sys/stat.h>
#include <unistd.h>

static const char *const passphrases[] = { "", "correct horse" };

/* Chunks of many sizes come back as they were, at once, after a flush and after the repository was opened again. */
static void round_trip(const char *passphrase)
{
	static const size_t sizes[] = { 0, 1, 55, 4096, 16384, 16385, 300000, 3000000 };
	enum { N = sizeof(sizes) / sizeof(sizes[0]) };
	struct scene s;
	struct chunk_id ids[2 * N];
	struct buf b = BUF_INIT(0), got = BUF_INIT(0);
	bool new;
	scene_init(&s, passphrase);
	for (int way = 0; way < 4; way++) {
		if (way == 2)
			assert_int_equal(repository_flush(s.r), 0);
		if (way == 3)
			scene_reopen(&s, false);
		for (size_t i = 0; i < (size_t)2 * N; i++) {
			buf_reset(&b);
			scene_bytes(&b, i, sizes[i % N], i >= N);
			if (way == 0) {
				assert_int_equal(repository_put(s.r, buf_str(&b), &ids[i], &new), 0);
				assert_int_equal(new, sizes[i % N] > 0 || i == 0);
			}
			buf_reset(&got);
			assert_true(repository_has(s.r, &ids[i]));
			assert_int_equal(repository_get(s.r, &ids[i], &got), 0);
			assert_true(str_eq(buf_str(&got), buf_str(&b)));
		}
	}
	struct repository_stats stats;
	repository_stats(s.r, &stats);
	assert_int_equal(stats.chunks, 2 * N - 1);
	assert_int_equal(stats.packs, 1);
	assert_int_equal(scene_verify(&s), 0);
	buf_fini(&b);
	buf_fini(&got);
	scene_fini(&s);
}

static void test_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++)
		round_trip(passphrases[i]);
}

static void test_once(void **state)
{
	(void)state;
	struct scene s;
	struct chunk_id a, b, unknown = { { 1 } };
	struct repository_stats stats;
	bool new;
	struct buf out = BUF_INIT(0);
	scene_init(&s, "");
	assert_int_equal(repository_put(s.r, STR("the same"), &a, &new), 0);
	assert_true(new);
	assert_int_equal(repository_put(s.r, STR("the same"), &b, &new), 0);
	assert_false(new);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(repository_flush(s.r), 0);
	assert_int_equal(repository_flush(s.r), 0);
	scene_reopen(&s, true);
	assert_int_equal(repository_put(s.r, STR("the same"), &b, &new), 0);
	assert_false(new);
	assert_int_equal(repository_put(s.r, STR("another"), &b, NULL), 0);
	repository_stats(s.r, &stats);
	assert_int_equal(stats.put, 2);
	assert_int_equal(stats.put_new, 1);
	assert_int_equal(stats.put_bytes, 15);
	assert_int_equal(stats.chunks, 2);
	assert_false(repository_has(s.r, &unknown));
	assert_int_equal(repository_get(s.r, &unknown, &out), ERR_NOT_FOUND);
	/* what was not flushed is lost */
	scene_reopen(&s, true);
	assert_false(repository_has(s.r, &b));
	assert_true(repository_has(s.r, &a));
	scene_fini(&s);
}

static void test_opening(void **state)
{
	(void)state;
	struct repository *r;
	struct err e;
	char dir[128], foreign[160];
	scene_dir(dir, sizeof(dir));
	struct repository_config c = { .dir = dir, .write = true };
	assert_int_equal(repository_open(&c, &r, &e), ERR_NOT_FOUND);
	assert_null(r);
	c.create = true;
	assert_int_equal(repository_open(&c, &r, &e), 0);
	repository_close(&r);
	assert_int_equal(repository_open(&c, &r, &e), ERR_EXISTS);
	c.create = false;
	c.passphrase = STR("x");
	assert_int_equal(repository_open(&c, &r, &e), ERR_DENIED);
	scene_remove(dir);
	/* a directory of somebody else's is left alone */
	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(foreign, sizeof(foreign), "%s/holiday.jpg", dir);
	scene_write_file(foreign, STR("x"));
	assert_int_equal(repository_open(&c, &r, &e), ERR_NOT_FOUND);
	c.create = true;
	assert_int_equal(repository_open(&c, &r, &e), ERR_CONFLICT);
	assert_int_equal(scene_count_files(dir), 1);
	scene_remove(dir);
	/* encrypted */
	c.passphrase = STR("right");
	assert_int_equal(repository_open(&c, &r, &e), 0);
	repository_close(&r);
	c.create = false;
	assert_int_equal(repository_open(&c, &r, &e), 0);
	repository_close(&r);
	c.passphrase = STR("wrong");
	assert_int_equal(repository_open(&c, &r, &e), ERR_DENIED);
	c.passphrase = STR_NONE;
	assert_int_equal(repository_open(&c, &r, &e), ERR_DENIED);
	scene_remove(dir);
}

static void test_writers(void **state)
{
	(void)state;
	struct scene s;
	struct repository *other;
	struct err e;
	struct chunk_id id, later;
	struct buf out = BUF_INIT(0);
	char snapshot[SNAPSHOT_ID_MAX];
	scene_init(&s, "");
	struct repository_config c = { .dir = s.dir, .write = true };
	assert_int_equal(repository_open(&c, &other, &e), ERR_BUSY);
	c.write = false;
	assert_int_equal(repository_put(s.r, STR("first"), &id, NULL), 0);
	assert_int_equal(repository_flush(s.r), 0);
	assert_int_equal(repository_open(&c, &other, &e), 0);
	assert_int_equal(repository_get(other, &id, &out), 0);
	/* a reader writes nothing, and finds what comes later when it is asked for it */
	assert_int_equal(repository_put(other, STR("no"), &later, NULL), ERR_DENIED);
	assert_int_equal(repository_flush(other), ERR_DENIED);
	assert_int_equal(repository_note_put(other, "a", STR("b")), ERR_DENIED);
	assert_int_equal(repository_put(s.r, STR("later"), &later, NULL), 0);
	assert_int_equal(repository_get(other, &later, &out), ERR_NOT_FOUND);
	assert_int_equal(repository_snapshot_put(s.r, 0, STR(""), snapshot), 0);
	assert_int_equal(repository_get(other, &later, &out), 0);
	assert_true(str_eq(buf_str(&out), STR("firstlater")));
	repository_close(&other);
	buf_fini(&out);
	scene_fini(&s);
}

static void test_snapshots(void **state)
{
	(void)state;
	for (size_t way = 0; way < 2; way++) {
		struct scene s;
		char id[SNAPSHOT_ID_MAX];
		struct buf out = BUF_INIT(0);
		scene_init(&s, passphrases[way]);
		assert_int_equal(repository_snapshot_get(s.r, "latest", &out), ERR_NOT_FOUND);
		assert_int_equal(repository_snapshot_put(s.r, 1795705445, STR("one"), id), 0);
		assert_string_equal(id, "20261126T150405Z");
		for (int i = 2; i <= 11; i++) {
			assert_int_equal(repository_snapshot_put(s.r, 1795705445, STR("more"), id), 0);
			char want[SNAPSHOT_ID_MAX];
			snprintf(want, sizeof(want), "20261126T150405Z-%d", i);
			assert_string_equal(id, want);
		}
		assert_int_equal(repository_snapshot_put(s.r, 1795705445, STR("twelve"), id), 0);
		assert_int_equal(repository_snapshot_put(s.r, 0, STR("clock set back"), id), 0);
		scene_reopen(&s, false);
		assert_int_equal(repository_snapshot_get(s.r, "", &out), 0);
		assert_true(str_eq(buf_str(&out), STR("clock set back")));
		buf_reset(&out);
		assert_int_equal(repository_snapshot_get(s.r, "20261126T150405Z-12", &out), 0);
		assert_true(str_eq(buf_str(&out), STR("twelve")));
		assert_int_equal(repository_snapshot_get(s.r, "../repository", &out), ERR_NOT_FOUND);
		assert_int_equal(repository_snapshot_get(s.r, "19700101T000001Z", &out), ERR_NOT_FOUND);
		struct scene_list list = { 0 };
		assert_int_equal(repository_snapshots(s.r, scene_list_add, &list), 0);
		assert_int_equal(list.n, 13);
		assert_string_equal(list.ids[0], "20261126T150405Z");
		assert_string_equal(list.ids[1], "20261126T150405Z-2");
		assert_string_equal(list.ids[12], "20261126T150405Z-13");
		/* and when it is right again, its time counts */
		scene_reopen(&s, true);
		assert_int_equal(repository_snapshot_put(s.r, 1795705446, STR("later"), id), 0);
		assert_string_equal(id, "20261126T150406Z");
		buf_fini(&out);
		scene_fini(&s);
	}
}

static void test_notes(void **state)
{
	(void)state;
	for (size_t way = 0; way < 2; way++) {
		struct scene s;
		struct buf out = BUF_INIT(0);
		scene_init(&s, passphrases[way]);
		assert_int_equal(repository_note_get(s.r, "cache-1", &out), ERR_NOT_FOUND);
		assert_int_equal(repository_note_put(s.r, "cache-1", STR("long before")), 0);
		assert_int_equal(repository_note_put(s.r, "cache-1", STR("now")), 0);
		assert_int_equal(repository_note_put(s.r, "", STR("x")), ERR_INVALID);
		assert_int_equal(repository_note_put(s.r, "../lock", STR("x")), ERR_INVALID);
		assert_int_equal(repository_note_put(s.r, "Upper", STR("x")), ERR_INVALID);
		scene_reopen(&s, false);
		assert_int_equal(repository_note_get(s.r, "cache-1", &out), 0);
		assert_true(str_eq(buf_str(&out), STR("now")));
		buf_fini(&out);
		scene_fini(&s);
	}
}

/* Repositories that version 1 of the format wrote, and every later program must read. */
static int chunk_named(void *ctx, const struct chunk_id *id)
{
	struct buf out = BUF_INIT(0);
	static const char *const contents[] = { "", "short", "chunk 2 line 1\n", "chunk 3 line 0\nchunk 3 line 919\n", "chunk 4 line 1\n" };
	struct scene *s = ctx;
	static const size_t sizes[] = { 0, 5, 600, 1012, 1200 };
	static size_t n;
	assert_int_equal(repository_get(s->r, id, &out), 0);
	assert_int_equal(out.n, sizes[n % 5]);
	assert_true(str_starts(buf_str(&out), str_from_c(contents[n % 5])));
	n++;
	buf_fini(&out);
	return 0;
}

static void test_golden(void **state)
{
	(void)state;
	static const struct { const char *name, *passphrase; } kept[] = { { "1-plain", "" }, { "1-sealed", "golden passphrase" } };
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		struct scene s = { .passphrase = kept[i].passphrase };
		struct buf out = BUF_INIT(0);
		snprintf(s.dir, sizeof(s.dir), "%s/tests/golden/backup/%s", TROIKA_SOURCE, kept[i].name);
		scene_reopen(&s, false);
		assert_int_equal(repository_note_get(s.r, "note", &out), 0);
		assert_true(str_eq(buf_str(&out), STR("what to know")));
		buf_reset(&out);
		assert_int_equal(repository_snapshot_get(s.r, "20261126T150405Z", &out), 0);
		assert_int_equal(scene_walk(NULL, buf_str(&out), chunk_named, &s), 0);
		assert_int_equal(out.n, 5 * CHUNK_ID_SIZE);
		assert_int_equal(scene_verify(&s), 0);
		repository_close(&s.r);
		buf_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_opening),
		cmocka_unit_test(test_writers),
		cmocka_unit_test(test_snapshots),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_golden),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
