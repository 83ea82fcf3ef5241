/* Readers in processes of their own beside one that writes, prunes and ends, again and again: what a snapshot names can be read as long as it is
 * kept, and verify finds no fault that is not there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "backup/fixture.h"
#include "base/clock.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNKS 30
#define READERS 2

static bool keep_from(void *arg, const char *id) { return strcmp(id, *(const char *const *)arg) >= 0; }

/* Chunk i of a generation; those of two in three are shared with the one before. */
static void put_generation(struct repository *r, unsigned g)
{
	struct buf b = BUF_INIT(0), snapshot = BUF_INIT(0);
	char id[SNAPSHOT_ID_MAX];
	for (unsigned i = 0; i < CHUNKS; i++) {
		struct chunk_id chunk;
		buf_reset(&b);
		scene_bytes(&b, (i % 3 ? g / 4 : g) * 100 + i, 3000, true);
		if (repository_put(r, buf_str(&b), &chunk, NULL) < 0 || (i % 10 == 0 && repository_flush(r) < 0))
			_exit(1);
		buf_add(&snapshot, chunk.b, sizeof(chunk.b));
	}
	if (repository_snapshot_put(r, g, buf_str(&snapshot), id) < 0)
		_exit(2);
	buf_fini(&b);
	buf_fini(&snapshot);
}

/* Keeps the newest ten. */
static void prune(struct repository *r, unsigned g)
{
	char oldest[SNAPSHOT_ID_MAX];
	const char *from = oldest;
	uint64_t freed;
	unsigned s = g > 9 ? g - 9 : 0;
	snprintf(oldest, sizeof(oldest), "19700101T00%02u%02uZ", s / 60, s % 60);
	if (repository_prune(r, keep_from, &from, scene_walk, NULL, &freed) < 0)
		_exit(3);
}

static int read_chunk(void *ctx, const struct chunk_id *id)
{
	struct buf out = BUF_INIT(0);
	int e = repository_get(ctx, id, &out);
	buf_fini(&out);
	return e;
}

/* Reads the newest snapshot and all it names, by a repository that is opened now and then; in between verifies. */
static void reader(struct scene *s, uint64_t until)
{
	unsigned whole = 0;
	for (unsigned n = 0; clock_mono_ms() < until || !whole; n++) {        /* a slow one has its chance when the writer is done */
		struct buf out = BUF_INIT(0);
		struct scene_list list = { 0 };
		if (n % 20 == 0)
			scene_reopen(s, false);
		if (repository_snapshots(s->r, scene_list_add, &list) < 0 || list.n == 0)
			_exit(11);
		const char *id = list.ids[list.n - 1];
		int e = repository_snapshot_get(s->r, id, &out);
		if (e == 0)
			e = scene_walk(NULL, buf_str(&out), read_chunk, s->r);
		whole += e == 0;
		/* who dawdles for ten generations may find it forgotten, and nothing else */
		if (e && (e != ERR_NOT_FOUND || repository_snapshot_get(s->r, id, &out) != ERR_NOT_FOUND))
			_exit(12);
		if (n % 7 == 0 && scene_verify(s) > 0)
			_exit(13);
		buf_fini(&out);
	}
	_exit(0);
}

static void test_beside(void **state)
{
	(void)state;
	struct scene s;
	pid_t children[READERS];
	const char *seconds = getenv("TROIKA_BESIDE_SECONDS");
	uint64_t until = clock_mono_ms() + 1000 * (seconds ? strtoull(seconds, NULL, 10) : 3);
	unsigned g = 0;
	scene_init(&s, "");
	put_generation(s.r, g++);
	for (size_t i = 0; i < READERS; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			struct scene own = s;
			own.r = NULL;                          /* the parent's, and its lock, stay open here; it does not close them */
			reader(&own, until);
		}
	}
	while (clock_mono_ms() < until && g < 3000) {
		put_generation(s.r, g++);
		if (g % 3 == 0)
			prune(s.r, g - 1);
	}
	for (size_t i = 0; i < READERS; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	print_message("%u generations\n", g);
	scene_reopen(&s, true);
	assert_int_equal(scene_verify(&s), 0);
	scene_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_beside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
