/* Pruning: what is needed stays, what is not goes, whatever the packs look like. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "backup/fixture.h"
#include "rt/fault.h"

#include <unistd.h>

#define CHUNK ((size_t)20000)

/* Puts chunks from..to-1 of random bytes and a snapshot of them. */
static void backup(struct scene *s, uint64_t from, uint64_t to, int64_t when)
{
	struct buf b = BUF_INIT(0), snapshot = BUF_INIT(0);
	char id[SNAPSHOT_ID_MAX];
	for (uint64_t i = from; i < to; i++) {
		struct chunk_id chunk;
		buf_reset(&b);
		scene_bytes(&b, i, CHUNK, true);
		assert_int_equal(repository_put(s->r, buf_str(&b), &chunk, NULL), 0);
		buf_add(&snapshot, chunk.b, sizeof(chunk.b));
	}
	assert_int_equal(repository_snapshot_put(s->r, when, buf_str(&snapshot), id), 0);
	buf_fini(&b);
	buf_fini(&snapshot);
}

static void expect(struct scene *s, uint64_t from, uint64_t to, bool there)
{
	struct buf b = BUF_INIT(0), got = BUF_INIT(0);
	struct chunk_id id;
	struct scene other;
	scene_init(&other, "");                       /* of a repository that is not encrypted: only to learn ids */
	for (uint64_t i = from; i < to; i++) {
		buf_reset(&b), buf_reset(&got);
		scene_bytes(&b, i, CHUNK, true);
		assert_int_equal(repository_put(other.r, buf_str(&b), &id, NULL), 0);
		assert_int_equal(repository_has(s->r, &id), there);
		assert_int_equal(repository_get(s->r, &id, &got), there ? 0 : ERR_NOT_FOUND);
		assert_int_equal(there, str_eq(buf_str(&got), buf_str(&b)));
	}
	buf_fini(&b);
	buf_fini(&got);
	scene_fini(&other);
}

static bool keep_from(void *arg, const char *id) { return strcmp(id, *(const char *const *)arg) >= 0; }

static int prune(struct scene *s, const char *from, uint64_t *freed_out)
{
	return repository_prune(s->r, keep_from, &from, scene_walk, NULL, freed_out);
}

static void check(struct scene *s, uint64_t from, uint64_t to, uint64_t gone_from, uint64_t gone_to)
{
	for (int again = 0; again < 2; again++) {
		expect(s, from, to, true);
		expect(s, gone_from, gone_to, false);
		assert_int_equal(scene_verify(s), 0);
		scene_reopen(s, true);
	}
}

static void test_rewrite(void **state)
{
	(void)state;
	struct scene s;
	struct repository_stats before, after;
	uint64_t freed;
	scene_init(&s, "");
	backup(&s, 0, 300, 1);                        /* one pack; 200..299 stay needed: a third */
	backup(&s, 200, 500, 2);
	repository_stats(s.r, &before);
	assert_int_equal(repository_prune(s.r, NULL, NULL, scene_walk, NULL, &freed), 0);
	assert_int_equal(freed, 0);
	check(&s, 0, 500, 500, 501);
	assert_int_equal(prune(&s, "19700101T000002Z", &freed), 0);
	repository_stats(s.r, &after);
	assert_true(freed >= 200 * CHUNK && freed < 201 * CHUNK);
	assert_int_equal(before.bytes - after.bytes, freed);
	assert_int_equal(after.chunks, 300);
	assert_int_equal(after.snapshots, 1);
	check(&s, 200, 500, 0, 200);
	/* nothing more to do */
	assert_int_equal(prune(&s, "19700101T000002Z", &freed), 0);
	assert_int_equal(freed, 0);
	/* all of it */
	assert_int_equal(prune(&s, "2", &freed), 0);
	repository_stats(s.r, &after);
	assert_int_equal(after.bytes, 0);
	assert_int_equal(after.packs, 0);
	assert_int_equal(after.chunks, 0);
	backup(&s, 0, 10, 3);
	check(&s, 0, 10, 10, 20);
	scene_fini(&s);
}

static void test_join(void **state)
{
	(void)state;
	struct scene s;
	struct repository_stats stats;
	uint64_t freed;
	scene_init(&s, "");
	for (uint64_t i = 0; i < 20; i++)
		backup(&s, 5 * i, 5 * i + 5, (int64_t)i);
	repository_stats(s.r, &stats);
	assert_int_equal(stats.packs, 20);
	assert_int_equal(repository_prune(s.r, NULL, NULL, scene_walk, NULL, &freed), 0);
	repository_stats(s.r, &stats);
	assert_int_equal(stats.packs, 1);
	assert_int_equal(stats.snapshots, 20);
	check(&s, 0, 100, 100, 101);
	scene_fini(&s);
}

/* Chunks that lie in two packs, because pruning ended between writing and removing: at most half of the second copies stay. */
static void test_twice(void **state)
{
	(void)state;
	struct scene s;
	struct repository_stats once, twice;
	uint64_t freed;
	scene_init(&s, "");
	for (uint64_t i = 0; i < 20; i++)
		backup(&s, 5 * i, 5 * i + 5, (int64_t)i);
	repository_stats(s.r, &once);
	fault_setup("backup.remove=3");
	assert_int_equal(repository_prune(s.r, NULL, NULL, scene_walk, NULL, &freed), ERR_IO);
	fault_setup(NULL);
	scene_reopen(&s, true);
	repository_stats(s.r, &twice);
	assert_int_equal(twice.packs, 20 + 1 - 2);
	assert_int_equal(twice.chunks, 100);
	assert_int_equal(scene_verify(&s), 0);
	assert_int_equal(repository_prune(s.r, NULL, NULL, scene_walk, NULL, &freed), 0);
	repository_stats(s.r, &twice);
	assert_true(twice.bytes * 2 <= once.bytes * 3);      /* half of a pack may be waste; which pack a chunk is known in is chance */
	check(&s, 0, 100, 100, 101);
	scene_fini(&s);
}

/* A reader that was there before goes on reading. */
static void test_reader(void **state)
{
	(void)state;
	struct scene s, reader;
	uint64_t freed;
	scene_init(&s, "");
	for (uint64_t i = 0; i < 20; i++)
		backup(&s, 5 * i, 5 * i + 5, (int64_t)i);
	reader = s;
	reader.r = NULL;
	scene_reopen(&reader, false);
	assert_int_equal(repository_prune(s.r, NULL, NULL, scene_walk, NULL, &freed), 0);
	expect(&reader, 0, 100, true);
	assert_int_equal(scene_verify(&reader), 0);
	repository_close(&reader.r);
	scene_fini(&s);
}

/* When a snapshot that is to be kept cannot be read, nobody knows what it needs. */
static void test_unreadable(void **state)
{
	(void)state;
	struct scene s;
	char path[256];
	uint64_t freed;
	scene_init(&s, "");
	backup(&s, 0, 10, 1);
	backup(&s, 10, 20, 2);
	backup(&s, 20, 30, 3);
	snprintf(path, sizeof(path), "%s/snapshots/19700101T000002Z", s.dir);
	assert_int_equal(truncate(path, 100), 0);
	assert_int_equal(prune(&s, "19700101T000002Z", &freed), ERR_CORRUPT);
	assert_int_equal(repository_prune(s.r, NULL, NULL, NULL, NULL, &freed), ERR_INVALID);
	expect(&s, 0, 30, true);
	struct scene_list list = { 0 };
	assert_int_equal(repository_snapshots(s.r, scene_list_add, &list), 0);
	assert_int_equal(list.n, 3);
	assert_int_equal(prune(&s, "19700101T000003Z", &freed), 0);
	check(&s, 20, 30, 0, 20);
	scene_reopen(&s, false);
	assert_int_equal(repository_prune(s.r, NULL, NULL, scene_walk, NULL, &freed), ERR_DENIED);
	scene_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rewrite),
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_reader),
		cmocka_unit_test(test_unreadable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
