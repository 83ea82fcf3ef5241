/* What damage leaves is saved, what is damaged is kept apart, and the next backup makes whole what was lost. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "backup/fixture.h"
#include "rt/fault.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNKS 20

static void chunk_make(struct buf *b, unsigned i)
{
	buf_reset(b);
	scene_bytes(b, i + 1, 100 + 10 * (size_t)i, i % 2);
}

/* Puts all that are not there; returns how many were not. */
static unsigned put_all(struct scene *s, struct buf *snapshot)
{
	struct buf b = BUF_INIT(0);
	unsigned fresh = 0;
	for (unsigned i = 0; i < CHUNKS; i++) {
		struct chunk_id id;
		bool new;
		chunk_make(&b, i);
		assert_int_equal(repository_put(s->r, buf_str(&b), &id, &new), 0);
		fresh += new;
		if (snapshot)
			buf_add(snapshot, id.b, sizeof(id.b));
	}
	assert_int_equal(repository_flush(s->r), 0);
	buf_fini(&b);
	return fresh;
}

static void begin(struct scene *s, const char *passphrase)
{
	struct buf snapshot = BUF_INIT(0);
	char id[SNAPSHOT_ID_MAX];
	scene_init(s, passphrase);
	assert_int_equal(put_all(s, &snapshot), CHUNKS);
	assert_int_equal(repository_snapshot_put(s->r, 0, buf_str(&snapshot), id), 0);
	assert_int_equal(repository_note_put(s->r, "note", STR("x")), 0);
	buf_fini(&snapshot);
}

/* The first file of that folder, an octet of it changed. from_end: counted from its end. */
static void spoil(struct scene *s, const char *folder, size_t at, bool from_end)
{
	char path[256], dir[160];
	struct buf b = BUF_INIT(0);
	snprintf(dir, sizeof(dir), "%s/%s", s->dir, folder);
	assert_true(scene_file(dir, 0, path, sizeof(path)));
	scene_read_file(path, &b);
	b.p[from_end ? b.n - at : at] ^= 1;
	scene_write_file(path, buf_str(&b));
	buf_fini(&b);
}

static unsigned files_in(struct scene *s, const char *folder)
{
	char dir[160];
	snprintf(dir, sizeof(dir), "%s/%s", s->dir, folder);
	return scene_count_files(dir);
}

static void mended(struct scene *s, uint64_t set_aside, unsigned lost)
{
	uint64_t n;
	assert_int_equal(repository_mend(s->r, scene_quiet, NULL, &n), 0);
	assert_int_equal(n, set_aside);
	assert_int_equal(files_in(s, "damaged"), set_aside);
	assert_int_equal(scene_verify(s), lost > 0);         /* a snapshot that lacks chunks is one fault */
	assert_int_equal(repository_mend(s->r, scene_quiet, NULL, &n), 0);
	assert_int_equal(n, 0);
	scene_reopen(s, true);
	assert_int_equal(scene_verify(s), lost > 0);
	assert_int_equal(put_all(s, NULL), lost);
	assert_int_equal(scene_verify(s), 0);
	scene_reopen(s, true);
	assert_int_equal(scene_verify(s), 0);
	assert_int_equal(put_all(s, NULL), 0);
}

static void test_mend(void **state)
{
	(void)state;
	static const struct { const char *folder; size_t at; uint64_t set_aside; unsigned lost; bool from_end; } cases[] = {
		{ "packs", 3, 1, 0, false },                /* the first head */
		{ "packs", 64 + 60, 1, 1, false },          /* the first chunk's body */
		{ "packs", 64 + 10, 1, 1, false },          /* the first chunk's head */
		{ "packs", 90, 1, 0, true },                /* the trailer */
		{ "packs", 70, 1, 0, true },                /* the footer */
		{ "packs", 1, 1, 0, true },                 /* the last head */
		{ "notes", 100, 1, 0, false },
	};
	for (size_t way = 0; way < 2; way++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			for (int reopen = 0; reopen < (way ? 1 : 2); reopen++) {
				struct scene s;
				begin(&s, way ? "secret" : "");
				assert_int_equal(files_in(&s, "damaged"), 0);
				spoil(&s, cases[i].folder, cases[i].at, cases[i].from_end);
				if (reopen)
					scene_reopen(&s, true);
				mended(&s, cases[i].set_aside, cases[i].lost);
				scene_fini(&s);
			}
}

/* A damaged snapshot is in the way of pruning until it is set aside. */
static void test_snapshot(void **state)
{
	(void)state;
	struct scene s;
	uint64_t freed, n;
	begin(&s, "");
	spoil(&s, "snapshots", 200, false);
	assert_int_equal(repository_prune(s.r, NULL, NULL, scene_walk, NULL, &freed), ERR_CORRUPT);
	assert_int_equal(repository_mend(s.r, scene_quiet, NULL, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(put_all(&s, NULL), 0);
	assert_int_equal(repository_prune(s.r, NULL, NULL, scene_walk, NULL, &freed), 0);
	assert_true(freed > 0);
	assert_int_equal(scene_verify(&s), 0);
	scene_reopen(&s, false);
	assert_int_equal(repository_mend(s.r, scene_quiet, NULL, &n), ERR_DENIED);
	scene_fini(&s);
}

/* A pack is damaged and the mending is killed at each of its steps: what could be saved is saved in the end. */
static void test_killed(void **state)
{
	(void)state;
	bool killed = true;
	unsigned steps = 0;
	for (unsigned n = 1; killed; n++) {
		struct scene s;
		char plan[64];
		int status;
		uint64_t moved;
		begin(&s, "");
		spoil(&s, "packs", 64 + 60, false);
		spoil(&s, "packs", 90, true);
		repository_close(&s.r);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			scene_reopen(&s, true);
			snprintf(plan, sizeof(plan), "backup.kill=%u", n);
			fault_setup(plan);
			_exit(repository_mend(s.r, NULL, NULL, &moved) != 0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		killed = WIFSIGNALED(status);
		steps += killed;
		assert_true(killed || WEXITSTATUS(status) == 0);
		scene_reopen(&s, true);
		assert_int_equal(repository_mend(s.r, scene_quiet, NULL, &moved), 0);
		assert_int_equal(files_in(&s, "damaged"), 1);
		assert_int_equal(put_all(&s, NULL), 1);
		assert_int_equal(scene_verify(&s), 0);
		scene_fini(&s);
	}
	assert_true(steps >= 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mend),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
