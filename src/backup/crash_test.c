/* A writer that is killed at every step it takes, and at random moments: what it was told is durable is there, nothing is damaged, and the next
 * writer goes on. The same for steps that fail. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "backup/fixture.h"
#include "rt/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNKS 12
#define CHUNK_AT 3                                /* this one is larger than what is gathered before a write */

/* What the writer has been promised, shared with who looks after it. */
struct promises {
	_Atomic int created;
	_Atomic int flushed;                          /* generations of chunks */
	_Atomic int snapshots;                        /* of generations */
	_Atomic int forgotten;                        /* generations whose snapshot may be gone */
	_Atomic int noted;
};

static struct promises *promises;

static void chunk_bytes(struct buf *b, int generation, int i)
{
	buf_reset(b);
	scene_bytes(b, (uint64_t)generation * 1000 + (uint64_t)i, i == CHUNK_AT ? 1200000 : (size_t)(2000 + 700 * i), i % 2);
}

static int generation_put(struct repository *r, int generation)
{
	struct buf b = BUF_INIT(0), snapshot = BUF_INIT(0);
	char id[SNAPSHOT_ID_MAX];
	int e = 0;
	for (int i = 0; i < CHUNKS && e == 0; i++) {
		struct chunk_id chunk;
		/* two of three are shared with the generation before, so that pruning has something to move */
		chunk_bytes(&b, i % 3 == 0 ? generation : generation / 2, i);
		e = repository_put(r, buf_str(&b), &chunk, NULL);
		buf_add(&snapshot, chunk.b, sizeof(chunk.b));
	}
	if (e == 0)
		e = repository_flush(r);
	if (e == 0)
		promises->flushed = generation + 1;
	if (e == 0)
		e = repository_snapshot_put(r, generation, buf_str(&snapshot), id);
	if (e == 0)
		promises->snapshots = generation + 1;
	buf_fini(&b);
	buf_fini(&snapshot);
	return e;
}

static bool keep_from(void *arg, const char *id) { return strcmp(id, arg) >= 0; }

static int generations_forget(struct repository *r, int below)
{
	char from[SNAPSHOT_ID_MAX];
	uint64_t freed;
	snprintf(from, sizeof(from), "19700101T0000%02dZ", below);
	promises->forgotten = below;
	return repository_prune(r, keep_from, from, scene_walk, NULL, &freed);
}

/* What a writer does in its life, from the start or going on where another one ended. */
static int life(const char *dir, const char *passphrase, int generations)
{
	struct repository *r = NULL;
	struct repository_config c = { .dir = dir, .create = true, .passphrase = str_from_c(passphrase) };
	int e = repository_open(&c, &r, NULL);
	if (e == ERR_EXISTS) {
		c.create = false;
		c.write = true;
		e = repository_open(&c, &r, NULL);
	}
	if (e == 0)
		promises->created = 1;
	for (int g = promises->snapshots; g < generations && e == 0; g++) {
		e = generation_put(r, g);
		if (e == 0)
			e = repository_note_put(r, "state", str_make(&g, sizeof(g)));
		if (e == 0)
			promises->noted = g + 1;
		if (e == 0 && g % 3 == 2)
			e = generations_forget(r, g);
	}
	repository_close(&r);
	return e;
}

static int missing_snapshots(struct scene *s)
{
	struct scene_list list = { 0 };
	int missing = 0;
	assert_int_equal(repository_snapshots(s->r, scene_list_add, &list), 0);
	for (int g = promises->forgotten; g < promises->snapshots; g++) {
		char id[SNAPSHOT_ID_MAX];
		bool found = false;
		snprintf(id, sizeof(id), "19700101T0000%02dZ", g);
		for (size_t i = 0; i < list.n; i++)
			found = found || strcmp(list.ids[i], id) == 0;
		missing += !found;
	}
	return missing;
}

/* The chunks of the last generation that was flushed; its snapshot need not have been written. */
static void expect_flushed(struct scene *s)
{
	struct buf b = BUF_INIT(0), got = BUF_INIT(0);
	struct scene other;
	scene_init(&other, "");
	for (int i = 0; i < CHUNKS && promises->flushed > 0 && s->passphrase[0] == '\0'; i++) {
		struct chunk_id id;
		int g = promises->flushed - 1;
		chunk_bytes(&b, i % 3 == 0 ? g : g / 2, i);
		assert_int_equal(repository_put(other.r, buf_str(&b), &id, NULL), 0);
		buf_reset(&got);
		assert_int_equal(repository_get(s->r, &id, &got), 0);
		assert_true(str_eq(buf_str(&got), buf_str(&b)));
	}
	scene_fini(&other);
	buf_fini(&b);
	buf_fini(&got);
}

/* After the writer's end, whatever it was. */
static void look(struct scene *s)
{
	struct repository_config c = { .dir = s->dir, .passphrase = str_from_c(s->passphrase) };
	struct buf note = BUF_INIT(0);
	int e = repository_open(&c, &s->r, NULL);
	if (!promises->created) {
		assert_true(e == 0 || e == ERR_NOT_FOUND);
		repository_close(&s->r);
		return;
	}
	assert_int_equal(e, 0);
	assert_int_equal(scene_verify(s), 0);
	assert_int_equal(missing_snapshots(s), 0);
	if (promises->flushed > promises->snapshots)
		expect_flushed(s);
	if (promises->noted > 0) {
		int g;
		assert_int_equal(repository_note_get(s->r, "state", &note), 0);
		assert_int_equal(note.n, sizeof(g));
		memcpy(&g, note.p, sizeof(g));
		assert_in_range(g, promises->noted - 1, promises->noted);
	}
	buf_fini(&note);
	repository_close(&s->r);
}

static void scene_begin(struct scene *s, const char *passphrase)
{
	*s = (struct scene){ .passphrase = passphrase };
	scene_dir(s->dir, sizeof(s->dir));
	memset(promises, 0, sizeof(*promises));
}

/* True when the child was killed, false when it came to its end. */
static bool child_ends(pid_t child, int *value_out)
{
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	*value_out = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	return WIFSIGNALED(status);
}

static void kill_at_each_step(const char *passphrase, unsigned by)
{
	bool killed = true;
	unsigned n = 1;
	for (; killed; n += by) {
		struct scene s;
		char plan[64];
		int value;
		scene_begin(&s, passphrase);
		snprintf(plan, sizeof(plan), "backup.kill=%u", n);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			fault_setup(plan);
			_exit(life(s.dir, passphrase, 6) ? 1 : 0);
		}
		killed = child_ends(child, &value);
		assert_int_equal(value, 0);
		look(&s);
		/* whoever comes next has nothing to repair */
		assert_int_equal(life(s.dir, passphrase, 7), 0);
		assert_int_equal(promises->snapshots, 7);
		look(&s);
		char path[160];
		snprintf(path, sizeof(path), "%s/tmp", s.dir);
		assert_int_equal(scene_count_files(path), 0);
		scene_remove(s.dir);
	}
	print_message("killed at %u steps\n", (n - 1) / by - 1);
	assert_true((n - 1) / by > 20 / by);
}

static void test_kill_steps(void **state)
{
	(void)state;
	kill_at_each_step("", 1);
}

static void test_kill_steps_sealed(void **state)
{
	(void)state;
	kill_at_each_step("secret", 17);
}

/* One repository, killed again and again at moments that nobody chose. */
static void test_kill_moments(void **state)
{
	(void)state;
	struct scene s;
	const char *rounds = getenv("TROIKA_KILL_ROUNDS");
	unsigned n = rounds ? (unsigned)strtoul(rounds, NULL, 10) : 60, killed = 0;
	srandom(5);
	scene_begin(&s, "");
	for (unsigned i = 0; i < n; i++) {
		int value;
		/* the ids are seconds of one minute: begin anew before they run out */
		if (promises->snapshots > 40) {
			scene_remove(s.dir);
			scene_begin(&s, "");
		}
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			_exit(life(s.dir, "", 60) ? 1 : 0);
		usleep((useconds_t)(random() % 60000));
		kill(child, SIGKILL);
		killed += child_ends(child, &value);
		assert_int_equal(value, 0);
		look(&s);
	}
	print_message("killed %u times\n", killed);
	scene_remove(s.dir);
}

/* Each step fails once: an error, nothing damaged, and a new writer goes on. */
static void test_faults(void **state)
{
	(void)state;
	static const struct { const char *name; int want; } faults[] = {
		{ "backup.full", ERR_NO_SPACE }, { "backup.write", ERR_IO }, { "backup.sync", ERR_IO }, { "backup.rename", ERR_IO },
		{ "backup.remove", ERR_IO }, { "backup.short", 0 },
	};
	for (size_t f = 0; f < sizeof(faults) / sizeof(faults[0]); f++) {
		unsigned failures = 0;
		bool failed = true;
		for (unsigned n = 1; failed; n++) {
			struct scene s;
			char plan[64];
			scene_begin(&s, "");
			snprintf(plan, sizeof(plan), "%s=%u", faults[f].name, n);
			assert_int_equal(fault_setup(plan), 0);
			int e = life(s.dir, "", 4);
			assert_int_equal(fault_setup(NULL), 0);
			failed = e != 0;
			failures += failed;
			if (failed)
				assert_int_equal(e, faults[f].want);
			look(&s);
			assert_int_equal(life(s.dir, "", 5), 0);
			look(&s);
			scene_remove(s.dir);
		}
		print_message("%s: failed at %u steps\n", faults[f].name, failures);
		assert_true(faults[f].want ? failures >= 2 : failures == 0);
	}
}

/* After a failure nothing more is written, so that no snapshot can name what was lost. */
static void test_failed(void **state)
{
	(void)state;
	struct scene s;
	struct chunk_id a, b;
	struct buf out = BUF_INIT(0);
	char id[SNAPSHOT_ID_MAX];
	scene_init(&s, "");
	assert_int_equal(repository_put(s.r, STR("kept"), &a, NULL), 0);
	assert_int_equal(repository_flush(s.r), 0);
	assert_int_equal(repository_put(s.r, STR("lost"), &b, NULL), 0);
	fault_setup("backup.sync=1");
	assert_int_equal(repository_flush(s.r), ERR_IO);
	fault_setup(NULL);
	assert_false(repository_has(s.r, &b));
	assert_true(repository_has(s.r, &a));
	assert_int_equal(repository_flush(s.r), ERR_IO);
	assert_int_equal(repository_put(s.r, STR("lost"), &b, NULL), ERR_IO);
	assert_int_equal(repository_put(s.r, STR("kept"), &b, NULL), ERR_IO);
	assert_int_equal(repository_snapshot_put(s.r, 0, STR(""), id), ERR_IO);
	assert_int_equal(repository_note_put(s.r, "n", STR("")), ERR_IO);
	assert_int_equal(repository_get(s.r, &a, &out), 0);
	scene_reopen(&s, true);
	assert_int_equal(repository_put(s.r, STR("lost"), &b, NULL), 0);
	assert_int_equal(repository_snapshot_put(s.r, 0, STR(""), id), 0);
	/* a disk that cannot be read is no damage */
	fault_setup("backup.read=1/1");
	assert_int_equal(repository_snapshot_get(s.r, "", &out), ERR_IO);
	fault_setup(NULL);
	assert_int_equal(scene_verify(&s), 0);
	buf_fini(&out);
	scene_fini(&s);
}

/* A disk that is really full, or nearly: files may not grow beyond a limit. */
static void test_full_disk(void **state)
{
	(void)state;
	for (rlim_t limit = 0; limit < 1600000; limit = limit * 3 / 2 + 100) {
		struct scene s;
		int value;
		scene_begin(&s, "");
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			struct rlimit most = { limit, limit };
			signal(SIGXFSZ, SIG_IGN);
			setrlimit(RLIMIT_FSIZE, &most);
			int e = life(s.dir, "", 4);
			_exit(e == 0 ? 0 : e == ERR_NO_SPACE ? 1 : 2);
		}
		assert_false(child_ends(child, &value));
		assert_in_range(value, 0, 1);
		assert_true(value == 1 || limit > 1000000);
		look(&s);
		assert_int_equal(life(s.dir, "", 5), 0);
		look(&s);
		scene_remove(s.dir);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill_steps),
		cmocka_unit_test(test_kill_steps_sealed),
		cmocka_unit_test(test_kill_moments),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_full_disk),
	};
	promises = mmap(NULL, sizeof(*promises), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return promises == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
