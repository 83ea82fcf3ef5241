/* Giving back the room of dropped blobs. */
#include "store/conformance/conformance.h"

#include "base/clock.h"
#include "store/engine_lmdb/blob_area.h"
#include "store/limits.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define N 64
#define SIZE ((size_t)8000)

static const store_tag ann = (uint64_t)STORE_ACCOUNT << 56 | 1, bob = (uint64_t)STORE_ACCOUNT << 56 | 2;
static const struct conformance_target target = { .name = "reclaim",
												  .engine = STORE_ENGINE_LMDB,
												  .segment_size = 64 << 10 };

static const struct conformance_target roomy = { .name = "reclaim", .engine = STORE_ENGINE_LMDB };

static void make_text(unsigned i, char text[SIZE])
{
	for (size_t k = 0; k < SIZE; k++)
		text[k] = (char)((size_t)i * 37 + k * k);
}

static void put_all(struct store *s, store_blob_id ids[N])
{
	char text[SIZE];
	for (unsigned i = 0; i < N; i++) {
		make_text(i, text);
		ids[i] = blob_put(s, str_make(text, SIZE), &ann, 1);
	}
}

static void assert_there(struct store *s, unsigned i, store_blob_id id)
{
	char text[SIZE];
	make_text(i, text);
	assert_blob(s, id, str_make(text, SIZE));
}

static void assert_gone(struct store *s, store_blob_id id)
{
	struct store_blob_view v;
	assert_int_equal(store_blob_map(s, id, &v), ERR_NOT_FOUND);
	assert_int_equal(store_blob_tag(s, &id, 1, ann), ERR_NOT_FOUND);
	assert_int_equal(store_blob_untag(s, &id, 1, ann), 0);
}

/* Of all segment files, closed so that there are no zeros ahead of records. */
static uint64_t disk_bytes(struct fixture *f)
{
	struct err err = { .code = 0 };
	store_close(&f->store);
	assert_int_equal(fixture_open(f, false, &err), 0);
	char path[512];
	snprintf(path, sizeof path, "%s/blobs", f->dir);
	DIR *d = opendir(path);
	assert_non_null(d);
	uint64_t sum = 0;
	for (struct dirent *e; (e = readdir(d));) {
		struct stat st;
		snprintf(path, sizeof path, "%s/blobs/%.64s", f->dir, e->d_name);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size;
	}
	closedir(d);
	return sum;
}

static uint64_t maintain_later(struct store *s)
{
	uint64_t reclaimed = 0;
	clock_shift_ms((STORE_GRACE_SECONDS + 1) * 1000);
	int rc = store_maintain(s, UINT64_MAX, &reclaimed);
	clock_shift_ms(-(STORE_GRACE_SECONDS + 1) * 1000);
	assert_int_equal(rc, 0);
	return reclaimed;
}

static int count_visit(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	(void)id, (void)tag;
	assert_int_equal(size, SIZE);
	++*(unsigned *)arg;
	return 0;
}

static unsigned count_tagged(struct store *s, store_tag tag)
{
	unsigned n = 0;
	assert_int_equal(store_blob_visit(s, tag, count_visit, &n), 0);
	return n;
}

static void the_dead_go_and_the_living_stay(void **state)
{
	struct fixture *f = *state;
	store_blob_id ids[N];
	put_all(f->store, ids);
	uint64_t before = disk_bytes(f);
	for (unsigned i = 0; i < N; i++) {
		if (i % 4)
			assert_int_equal(store_blob_untag(f->store, &ids[i], 1, ann), 0);
	}
	uint64_t reclaimed;
	assert_int_equal(store_maintain(f->store, UINT64_MAX, &reclaimed), 0);
	assert_int_equal(reclaimed, 0);   /* the grace time has not passed */
	reclaimed = maintain_later(f->store);
	assert_true(reclaimed > before / 2);
	assert_true(disk_bytes(f) < before / 2);
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < N; i++) {
			/* The last few are in the open segment, which is not tended. */
			if (i % 4 == 0)
				assert_there(f->store, i, ids[i]);
			else if (i < N - 16)
				assert_gone(f->store, ids[i]);
		}
		assert_int_equal(count_tagged(f->store, ann), N / 4);
		assert_sound(f->store);
		disk_bytes(f);            /* opens it again */
	}
}

static void moved_blobs_keep_owners_and_move_again(void **state)
{
	struct fixture *f = *state;
	store_blob_id ids[N];
	put_all(f->store, ids);
	assert_int_equal(store_blob_tag(f->store, &ids[0], 1, bob), 0);
	assert_int_equal(store_blob_untag(f->store, &ids[0], 1, ann), 0);
	assert_int_equal(store_blob_tag(f->store, &ids[4], 1, bob), 0);
	/* Each round fewer live, so that they are moved again and again. */
	for (unsigned step = 2; step <= 16; step *= 2) {
		for (unsigned i = 0; i < N; i++) {
			if (i % step)
				assert_int_equal(store_blob_untag(f->store, &ids[i], 1, ann), 0);
		}
		struct err e = { .code = 0 };
		store_close(&f->store);
		assert_int_equal(fixture_open(f, false, &e), 0);
		maintain_later(f->store);
		for (unsigned i = 0; i < N; i++) {
			if (i % step == 0 || i == 4)
				assert_there(f->store, i, ids[i]);
		}
		assert_sound(f->store);
	}
	assert_int_equal(count_tagged(f->store, bob), 2);
	assert_int_equal(count_tagged(f->store, ann), N / 16 - 1);
	assert_int_equal(store_blob_untag(f->store, &ids[0], 1, bob), 0);
	assert_int_equal(store_blob_tag(f->store, &ids[16], 1, bob), 0);
	assert_int_equal(count_tagged(f->store, bob), 2);
	assert_true(disk_bytes(f) < (uint64_t)N * SIZE / 2);
}

static void a_view_outlives_its_file(void **state)
{
	struct fixture *f = *state;
	store_blob_id ids[N];
	put_all(f->store, ids);
	struct store_blob_view dead, moved;
	assert_int_equal(store_blob_map(f->store, ids[1], &dead), 0);
	assert_int_equal(store_blob_map(f->store, ids[0], &moved), 0);
	for (unsigned i = 1; i < N; i++)
		assert_int_equal(store_blob_untag(f->store, &ids[i], 1, ann), 0);
	maintain_later(f->store);
	assert_gone(f->store, ids[1]);
	char text[SIZE];
	make_text(1, text);
	assert_str(dead.bytes, str_make(text, SIZE));
	make_text(0, text);
	assert_str(moved.bytes, str_make(text, SIZE));
	store_blob_unmap(f->store, &dead);
	store_blob_unmap(f->store, &moved);
	assert_there(f->store, 0, ids[0]);
}

static void work_is_bounded(void **state)
{
	struct fixture *f = *state;
	store_blob_id ids[N];
	put_all(f->store, ids);
	for (unsigned i = 0; i < N; i++) {
		if (i % 4)
			assert_int_equal(store_blob_untag(f->store, &ids[i], 1, ann), 0);
	}
	clock_shift_ms((STORE_GRACE_SECONDS + 1) * 1000);
	uint64_t first, rest;
	assert_int_equal(store_maintain(f->store, 1, &first), 0);
	assert_int_equal(store_maintain(f->store, UINT64_MAX, &rest), 0);
	clock_shift_ms(-(STORE_GRACE_SECONDS + 1) * 1000);
	assert_in_range(first, 1, 128 << 10);       /* one segment */
	assert_true(rest > first);
}

/* A blob whose head is damaged cannot be moved, so its bytes must stay where they are, for whoever can read them. */
static void damage_is_not_thrown_away(void **state)
{
	struct fixture *f = *state;
	store_blob_id ids[N];
	put_all(f->store, ids);
	for (unsigned i = 1; i < N; i++) {
		if (i != 3)
			assert_int_equal(store_blob_untag(f->store, &ids[i], 1, ann), 0);
	}
	char path[128];
	snprintf(path, sizeof path, "%s/blobs/%08x.seg", f->dir, (unsigned)(ids[3] >> 32));
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "????", 4, (off_t)(ids[3] & 0xffffffffu) * 16), 4);
	uint64_t reclaimed = maintain_later(f->store);
	assert_true(reclaimed > 0);       /* elsewhere */
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(pwrite(fd, "Tkbl", 4, (off_t)(ids[3] & 0xffffffffu) * 16), 4);
	close(fd);
	assert_there(f->store, 3, ids[3]);
	maintain_later(f->store);
	assert_there(f->store, 3, ids[3]);
	assert_int_equal(access(path, F_OK), -1);
}

/* A child puts blobs and dies without closing; its segment is ended by maintenance and then treated like any other. */
static void the_segment_of_a_killed_process_is_ended(void **state)
{
	struct fixture *f = *state;
	store_close(&f->store);
	int pipe_fds[2];
	assert_int_equal(pipe(pipe_fds), 0);
	pid_t child = fork();
	if (child == 0) {
		struct err e;
		store_blob_id ids[2] = { 0, 0 };
		struct str bytes = STR("from the dead");
		if (fixture_open(f, false, &e) == 0) {
			store_blob_put(f->store, &bytes, 1, &ann, 1, &ids[0]);
			store_blob_put(f->store, &bytes, 1, &bob, 1, &ids[1]);
		}
		if (write(pipe_fds[1], ids, sizeof ids) != sizeof ids)
			_exit(1);
		_exit(0);
	}
	store_blob_id ids[2];
	assert_int_equal(read(pipe_fds[0], ids, sizeof ids), sizeof ids);
	waitpid(child, NULL, 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	assert_true(ids[0] != 0 && ids[1] != 0);
	struct err e = { .code = 0 };
	assert_int_equal(fixture_open(f, false, &e), 0);
	assert_blob(f->store, ids[0], STR("from the dead"));
	assert_sound(f->store);
	uint64_t before = disk_bytes(f);
	assert_int_equal(store_blob_untag(f->store, &ids[0], 1, ann), 0);
	maintain_later(f->store);
	assert_true(disk_bytes(f) < before);      /* the zeros ahead of the records are cut */
	assert_blob(f->store, ids[1], STR("from the dead"));
	assert_sound(f->store);
	maintain_later(f->store);
	store_blob_id other = blob_put(f->store, STR("x"), &ann, 1);
	assert_true(other != ids[0] && other != ids[1]);
	assert_true(other >> 32 != ids[0] >> 32);      /* it is not continued: nobody knows what was at its end */
	assert_blob(f->store, ids[1], STR("from the dead"));
}

/* The last record of a process that was killed, or whose power went, is torn: its pages came to the file only in part. Nobody was told that it is there. When
 * its segment is emptied it must not come into another one, where it would stand among what was promised. */
static void a_torn_tail_is_not_moved(void **state)
{
	struct fixture *f = *state;
	store_close(&f->store);
	static char big[2 * SIZE];
	store_blob_id ids[3];
	int pipe_fds[2];
	assert_int_equal(pipe(pipe_fds), 0);
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		struct err e;
		memset(ids, 0, sizeof ids);
		memset(big, 'b', sizeof big);
		for (int i = 0; i < 3 && (i > 0 || fixture_open(f, false, &e) == 0); i++) {
			struct str bytes = str_make(big, i == 0 ? sizeof big : 3000);
			store_blob_put(f->store, &bytes, 1, &ann, 1, &ids[i]);
		}
		_exit(write(pipe_fds[1], ids, sizeof ids) == sizeof ids ? 0 : 1);
	}
	assert_int_equal(read(pipe_fds[0], ids, sizeof ids), sizeof ids);
	waitpid(child, NULL, 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	assert_true(ids[0] && ids[1] && ids[2] >> 32 == ids[0] >> 32);
	char path[100];
	snprintf(path, sizeof path, "%s/blobs/%08x.seg", f->dir, (unsigned)(ids[2] >> 32));
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, big, 2000, (off_t)(ids[2] & 0xffffffffu) * 16 + 1000), 2000);
	close(fd);
	struct err e = { .code = 0 };
	assert_int_equal(fixture_open(f, false, &e), 0);
	maintain_later(f->store);                 /* ends the segment */
	assert_int_equal(access(path, F_OK), 0);
	assert_sound(f->store);
	assert_int_equal(store_blob_untag(f->store, &ids[0], 1, ann), 0);
	maintain_later(f->store);                 /* empties it */
	assert_int_equal(access(path, F_OK), -1);
	disk_bytes(f);                            /* closes the segment that it was emptied into, which promises all that is in it */
	assert_sound(f->store);
	memset(big, 'b', sizeof big);
	assert_blob(f->store, ids[1], str_make(big, 3000));
	assert_gone(f->store, ids[0]);
	assert_gone(f->store, ids[2]);
}

static int count_blob(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	(void)id, (void)size, (void)tag;
	++*(unsigned *)arg;
	return 0;
}

/* The power failed before the header of a new segment was durable: the file may be empty, or hold 64 bytes of anything. Nothing in it was ever promised, so
 * it is in nobody's way. */
static void a_segment_without_a_header_is_none(void **state)
{
	struct fixture *f = *state;
	static const char *const lefts[] = { "", "\0\0\0", "TRKSEG\r\n and something else than there ought to be in a header of it" };
	char path[100];
	struct err e = { .code = 0 };
	store_blob_id kept = blob_put(f->store, STR("kept"), &ann, 1);
	for (int i = 0; i < 3; i++) {
		store_close(&f->store);
		fflush(NULL);
		pid_t child = fork();
		if (child == 0) {
			/* The small one goes where the last one was, the large one into a new segment, which is left open. */
			static char big[300000];
			struct str bytes = str_make(big, sizeof big), small = STR("small");
			store_blob_id id = 0;
			if (fixture_open(f, false, &e) == 0 && store_blob_put(f->store, &small, 1, &ann, 1, &id) == 0)
				store_blob_put(f->store, &bytes, 1, &ann, 1, &id);
			_exit(id ? (int)(id >> 32) : 0);
		}
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) > 0);
		snprintf(path, sizeof path, "%s/blobs/%08x.seg", f->dir, (unsigned)WEXITSTATUS(status));
		FILE *file = fopen(path, "wb");
		assert_non_null(file);
		char bytes[64] = "";
		memcpy(bytes, lefts[i], i == 2 ? 64 : 0);
		fwrite(bytes, 1, i == 0 ? 0 : 64, file);
		fclose(file);
		assert_int_equal(fixture_open(f, false, &e), 0);
		assert_sound(f->store);
		maintain_later(f->store);
		assert_sound(f->store);
		unsigned n = 0;
		assert_int_equal(store_blob_visit(f->store, ann, count_blob, &n), 0);
		assert_int_equal(n, 2 + 2 * i);
		assert_blob(f->store, kept, STR("kept"));
		blob_put(f->store, STR("more"), &ann, 1);
	}
}

static void the_held_stay_until_released(void **state)
{
	struct fixture *f = *state;
	struct store_hold *hold;
	store_blob_id ids[N];
	put_all(f->store, ids);
	/* Most were dead before, for long enough: those go all the same, and what is held is moved. */
	for (unsigned i = 0; i < N; i++)
		if (i % 4)
			assert_int_equal(store_blob_untag(f->store, &ids[i], 1, ann), 0);
	clock_shift_ms(3 * STORE_GRACE_SECONDS * 1000);
	assert_int_equal(store_hold(f->store, &hold), 0);
	for (unsigned i = 0; i < N; i += 4)
		assert_int_equal(store_blob_untag(f->store, &ids[i], 1, ann), 0);
	for (unsigned round = 0; round < 2; round++) {
		assert_true(maintain_later(f->store) > 0 || round == 1);
		for (unsigned i = 0; i < N; i++) {
			if (i % 4 == 0)
				assert_there(f->store, i, ids[i]);
			else if (i < N - 16)
				assert_gone(f->store, ids[i]);
		}
	}
	store_release(&hold);
	disk_bytes(f);                    /* ends the segment that they were moved to */
	assert_true(maintain_later(f->store) > 0);
	for (unsigned i = 0; i < N - 16; i += 4)
		assert_gone(f->store, ids[i]);
	assert_sound(f->store);
	clock_shift_ms(-3 * STORE_GRACE_SECONDS * 1000);
}

/* ---- a visit beside maintenance ---- */

#define LARGE (STORE_BULK_BYTES + 1)

struct beside {
	struct fixture *f;
	store_blob_id at, wanted;         /* maintenance works when the visit comes to the first of them */
	unsigned seen, maintained;
};

static int maintain_and_count(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	struct beside *b = arg;
	(void)size;
	assert_int_equal(tag, ann);
	b->seen += id == b->wanted;
	if (id == b->at && b->maintained++ == 0)
		assert_true(maintain_later(b->f->store) > 0);
	return 0;
}

static store_blob_id put_large(struct store *s)
{
	static const char large[LARGE];
	return blob_put(s, str_make(large, LARGE), &ann, 1);
}

/* Maintenance continues the first segment, which the visit has passed, with what it takes out of the second one. */
static void a_visit_sees_what_moves_behind_it(void **state)
{
	struct fixture *f = *state;
	struct err e = { .code = 0 };
	store_blob_id small = blob_put(f->store, STR("small"), &ann, 1), large[4];
	for (unsigned i = 0; i < 4; i++)
		large[i] = put_large(f->store);
	assert_true(large[0] >> 32 > small >> 32);
	store_close(&f->store);
	assert_int_equal(fixture_open(f, false, &e), 0);
	assert_int_equal(store_blob_untag(f->store, large, 3, ann), 0);
	struct beside b = { .f = f, .at = small, .wanted = large[3] };
	assert_int_equal(store_blob_visit(f->store, ann, maintain_and_count, &b), 0);
	assert_int_equal(b.maintained, 1);
	assert_int_equal(b.seen, 1);
	assert_gone(f->store, large[0]);
	assert_sound(f->store);
}

/* Nor does it see twice what moves ahead of it. */
static void a_visit_sees_once_what_moves_ahead_of_it(void **state)
{
	struct fixture *f = *state;
	struct err e = { .code = 0 };
	store_blob_id ids[N];
	put_all(f->store, ids);
	for (unsigned i = 0; i < N; i++)
		if (i % 4)
			assert_int_equal(store_blob_untag(f->store, &ids[i], 1, ann), 0);
	store_close(&f->store);
	assert_int_equal(fixture_open(f, false, &e), 0);
	for (unsigned i = 0; i < N; i += 4) {
		/* The first look has it move; the later ones find it where it was moved to. */
		struct beside b = { .f = f, .at = i ? 0 : ids[0], .wanted = ids[i] };
		assert_int_equal(store_blob_visit(f->store, ann, maintain_and_count, &b), 0);
		assert_int_equal(b.maintained, i == 0);
		assert_int_equal(b.seen, 1);
	}
}

/* What moves between the snapshot and the look at the record has its owners all the while. */
static void what_moves_is_owned_all_the_while(void **state)
{
	struct fixture *f = *state;
	struct store_read *r;
	MDB_txn *txn;
	store_blob_id ids[N];
	bool has = false;
	put_all(f->store, ids);
	for (unsigned i = 1; i < N; i++)
		assert_int_equal(store_blob_untag(f->store, &ids[i], 1, ann), 0);
	assert_int_equal(lmdb_begin_raw(lmdb_of(f->store), &r, &txn), 0);
	assert_true(maintain_later(f->store) > 0);
	assert_int_equal(blob_is_tagged(lmdb_of(f->store), txn, ids[0], ann, &has), 0);
	assert_true(has);
	lmdb_end(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(the_dead_go_and_the_living_stay, &target),
		CONFORMANCE_TEST(moved_blobs_keep_owners_and_move_again, &target),
		CONFORMANCE_TEST(the_held_stay_until_released, &target),
		CONFORMANCE_TEST(a_view_outlives_its_file, &target),
		CONFORMANCE_TEST(work_is_bounded, &target),
		CONFORMANCE_TEST(damage_is_not_thrown_away, &target),
		CONFORMANCE_TEST(the_segment_of_a_killed_process_is_ended, &target),
		CONFORMANCE_TEST(a_torn_tail_is_not_moved, &target),
		CONFORMANCE_TEST(a_segment_without_a_header_is_none, &target),
		CONFORMANCE_TEST(a_visit_sees_what_moves_behind_it, &roomy),
		CONFORMANCE_TEST(a_visit_sees_once_what_moves_ahead_of_it, &target),
		CONFORMANCE_TEST(what_moves_is_owned_all_the_while, &target),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
