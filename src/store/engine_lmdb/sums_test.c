/* Every value of the system scope that was written at level 2 has its checksum, whatever was done to it, and a bit that flips in one is noticed. */
#include "base/bytes.h"
#include "base/hash.h"
#include "store/conformance/conformance.h"

#include <dirent.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct store_scope sys = { STORE_SYSTEM, 0 }, account = { STORE_ACCOUNT, 1 };
static const struct conformance_target target = { .name = "sums", .engine = STORE_ENGINE_LMDB };

static void reopen(struct fixture *f)
{
	struct err e = { .code = 0 };
	if (!f->store && fixture_open(f, false, &e))
		fail_msg("%s", e.log);
}

static uint64_t check(struct fixture *f, bool repair)
{
	uint64_t faults;
	assert_int_equal(store_check(f->store, repair, NULL, NULL, &faults), 0);
	return faults;
}

/* ---- damage ---- */

/* Turns a bit of the octet `skip` behind each place in the index where the bytes stand: of the newest page, and of older ones. */
static void flip(struct fixture *f, struct str bytes, size_t skip)
{
	char path[128];
	struct stat st;
	unsigned found = 0;
	store_close(&f->store);
	snprintf(path, sizeof path, "%s/index/data.mdb", f->dir);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	size_t n = (size_t)st.st_size;
	char *data = malloc(n);
	assert_non_null(data);
	assert_int_equal(pread(fd, data, n, 0), n);
	for (size_t i = 0; i + bytes.n + skip < n; i++) {
		if (memcmp(data + i, bytes.p, bytes.n) != 0)
			continue;
		data[i + skip] ^= 4;
		found++;
	}
	assert_true(found > 0);
	assert_int_equal(pwrite(fd, data, n, 0), n);
	free(data);
	close(fd);
	reopen(f);
}

static int get_code(struct fixture *f, struct str key)
{
	struct store_read *r;
	struct str value;
	begin(f->store, sys, &r);
	int rc = store_get(r, key, &value), again = store_get(r, key, &value);
	assert_int_equal(rc, again);      /* the second by the cursor */
	store_end(&r);
	return rc;
}

/* How a walk over the whole scope goes: the last error in it, if any; *n_out: pairs. It goes on behind a value that fails. */
static int walk_code(struct fixture *f, bool reverse, unsigned *n_out)
{
	struct store_read *r;
	struct store_iter *it;
	struct str key, value;
	int rc;
	begin(f->store, sys, &r);
	assert_int_equal(store_range(r, STR_NONE, STR_NONE, reverse, &it), 0);
	int failed = 0;
	for (*n_out = 0; (rc = store_next(it, &key, &value)) == 1 || (rc == ERR_CORRUPT && key.n); *n_out += rc == 1)
		failed = rc == 1 ? failed : rc;
	assert_int_equal(store_next(it, &key, &value), 0);
	rc = rc ? rc : failed;
	store_iter_end(&it);
	store_end(&r);
	return rc;
}

static unsigned files_in_quarantine(const struct fixture *f, char path[256])
{
	char dir_path[128];
	snprintf(dir_path, sizeof dir_path, "%s/quarantine", f->dir);
	DIR *dir = opendir(dir_path);
	unsigned n = 0;
	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, 256, "%s/%.100s", dir_path, e->d_name);
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

static int wget_it(struct store_write *w, void *arg)
{
	struct str value;
	int rc = store_put(w, STR("written before"), STR("x"));
	if (rc == 0)
		rc = store_wget(w, *(const struct str *)arg, &value);
	(void)rc;
	return 0;         /* forgets what it was told */
}

static int wfind_it(struct store_write *w, void *arg)
{
	struct str key, value;
	(void)arg;
	int rc = store_wfind(w, STR("bob"), STR_NONE, false, &key, &value);
	return rc < 0 ? rc : 0;
}

static int put_neighbour(struct store_write *w, void *arg) { return store_put(w, *(const struct str *)arg, STR("neighbour")); }

static void fill(struct fixture *f)
{
	put(f->store, sys, STR("ann"), STR("the record of ann, account 1"));
	put(f->store, sys, STR("bob"), STR("the record of bob, account 2"));
	put(f->store, sys, STR("carl"), STR("the record of carl, account 3"));
	put(f->store, account, STR("bob"), STR("has no sum here"));
}

static void a_bit_in_a_value_is_noticed(void **state)
{
	struct fixture *f = *state;
	char path[256], bytes[128];
	size_t n;
	unsigned before;
	struct str bob = STR("bob"), other = STR("other");
	fill(f);
	assert_int_equal(check(f, false), 0);
	flip(f, STR("the record of bob, account 2"), 27);
	assert_int_equal(get_code(f, STR("ann")), 0);
	assert_int_equal(get_code(f, bob), ERR_CORRUPT);
	assert_int_equal(get_code(f, STR("carl")), 0);
	assert_int_equal(get_code(f, STR("nobody")), ERR_NOT_FOUND);
	assert_int_equal(walk_code(f, false, &before), ERR_CORRUPT);
	assert_int_equal(before, 2);
	assert_int_equal(walk_code(f, true, &before), ERR_CORRUPT);
	assert_int_equal(before, 2);
	/* A closure that met it fails, and its neighbours do not. */
	struct store_op ops[] = { { sys, put_neighbour, &other, 0 }, { sys, wget_it, &bob, 0 }, { account, put_neighbour, &other, 0 } };
	assert_int_equal(store_commit_all(f->store, ops, 3), ERR_CORRUPT);
	assert_int_equal(ops[0].result, 0);
	assert_int_equal(ops[1].result, ERR_CORRUPT);
	assert_int_equal(ops[2].result, 0);
	assert_int_equal(store_commit(f->store, sys, wfind_it, NULL), ERR_CORRUPT);
	assert_int_equal(get_code(f, STR("written before")), ERR_NOT_FOUND);
	assert_int_equal(get_code(f, other), 0);

	assert_int_equal(check(f, false), 1);
	assert_int_equal(files_in_quarantine(f, path), 0);
	uint64_t version = store_scope_version(f->store, sys);
	assert_int_equal(check(f, true), 1);
	assert_true(store_scope_version(f->store, sys) > version);
	assert_int_equal(files_in_quarantine(f, path), 1);
	int fd = open(path, O_RDONLY);
	n = (size_t)read(fd, bytes, sizeof bytes);
	close(fd);
	/* le16, nine octets of scope, the key, the value as it was found. */
	assert_int_equal(n, 2 + 9 + 3 + 28);
	assert_memory_equal(bytes + 11, "bobthe record of bob, account 6", 31);
	assert_int_equal(get_code(f, bob), ERR_NOT_FOUND);
	assert_int_equal(walk_code(f, false, &before), 0);
	assert_int_equal(before, 3);
	/* The rooms above learn that something is missing, and say when they have made up for it. */
	assert_true(store_wounded(f->store, sys));
	assert_false(store_wounded(f->store, account));
	assert_int_equal(store_heal(f->store), 0);
	assert_int_equal(check(f, false), 0);
}

static void writing_over_it_heals(void **state)
{
	struct fixture *f = *state;
	fill(f);
	flip(f, STR("the record of bob, account 2"), 0);
	assert_int_equal(get_code(f, STR("bob")), ERR_CORRUPT);
	put(f->store, sys, STR("bob"), STR("anew"));
	assert_int_equal(get_code(f, STR("bob")), 0);
	flip(f, STR("the record of carl, account 3"), 0);
	del(f->store, sys, STR("carl"));
	assert_int_equal(get_code(f, STR("carl")), ERR_NOT_FOUND);
	assert_int_equal(check(f, false), 0);
}

static void of_level_1_there_is_none(void **state)
{
	struct fixture *f = *state;
	fill(f);
	flip(f, STR("the record of bob, account 2"), 0);
	assert_int_equal(get_code(f, STR("bob")), 0);
	assert_int_equal(check(f, false), 0);
}

static void a_salvage_keeps_sums_and_wounds_what_fails(void **state)
{
	struct fixture *f = *state;
	struct store_config c = { .engine = STORE_ENGINE_LMDB, .dir = f->dir };
	struct err e = { .code = 0 };
	char path[256];
	fill(f);
	store_close(&f->store);
	assert_int_equal(store_salvage(&c, NULL, NULL, &e), 0);
	reopen(f);
	assert_false(store_wounded(f->store, sys));
	assert_int_equal(check(f, false), 0);
	/* Its sums came with it: */
	flip(f, STR("the record of bob, account 2"), 0);
	assert_int_equal(get_code(f, STR("bob")), ERR_CORRUPT);
	store_close(&f->store);
	assert_int_equal(store_salvage(&c, NULL, NULL, &e), 0);
	reopen(f);
	assert_true(store_wounded(f->store, sys));
	assert_false(store_wounded(f->store, account));
	assert_int_equal(get_code(f, STR("ann")), 0);
	assert_int_equal(get_code(f, STR("bob")), ERR_CORRUPT);
	check(f, true);
	assert_int_equal(get_code(f, STR("bob")), ERR_NOT_FOUND);
	assert_int_equal(files_in_quarantine(f, path), 3);         /* two damaged indexes, one value */
	assert_int_equal(store_heal(f->store), 0);
	assert_int_equal(check(f, false), 0);
}

/* ---- rows ---- */

struct rows {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi kv, sums;
};

static void rows_open(struct rows *r, const struct fixture *f, bool write)
{
	char path[128];
	assert_null(f->store);
	snprintf(path, sizeof path, "%s/index", f->dir);
	assert_int_equal(mdb_env_create(&r->env), 0);
	assert_int_equal(mdb_env_set_maxdbs(r->env, 16), 0);
	assert_int_equal(mdb_env_set_mapsize(r->env, (size_t)1 << 30), 0);
	assert_int_equal(mdb_env_open(r->env, path, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(r->env, NULL, write ? 0 : MDB_RDONLY, &r->txn), 0);
	assert_int_equal(mdb_dbi_open(r->txn, "kv", 0, &r->kv), 0);
	assert_int_equal(mdb_dbi_open(r->txn, "sums", 0, &r->sums), 0);
}

static void rows_close(struct rows *r)
{
	assert_int_equal(mdb_txn_commit(r->txn), 0);
	mdb_env_close(r->env);
}

static MDB_val full_key(char room[64], const char *key)
{
	memset(room, 0, 9);
	room[0] = STORE_SYSTEM;
	size_t n = strlen(key);
	memcpy(room + 9, key, n);
	return (MDB_val){ .mv_size = 9 + n, .mv_data = room };
}

static void rows_that_fit_nothing_are_found(void **state)
{
	struct fixture *f = *state;
	struct rows r;
	char room[64], longer[] = "12345";
	fill(f);
	store_close(&f->store);
	rows_open(&r, f, true);
	MDB_val key = full_key(room, "ann"), row = { .mv_size = 5, .mv_data = longer };
	assert_int_equal(mdb_del(r.txn, r.kv, &key, NULL), 0);
	key = full_key(room, "carl");
	assert_int_equal(mdb_put(r.txn, r.sums, &key, &row, 0), 0);
	rows_close(&r);
	reopen(f);
	assert_int_equal(get_code(f, STR("carl")), ERR_CORRUPT);
	/* The row of a value that is missing; a row of another length, by itself and by its value. */
	assert_int_equal(check(f, false), 3);
	assert_int_equal(check(f, true) > 0, 1);
	assert_true(store_wounded(f->store, sys));
	assert_int_equal(store_heal(f->store), 0);
	assert_int_equal(check(f, false), 0);
}

/* ---- in step ---- */

#define KEYS 60u
#define OPS 8u
#define GROUP 6u
#define ROUNDS 400u

struct map {
	struct {
		bool there, summed;
		size_t n;
		unsigned char fill;
	} v[KEYS];
};
struct job {
	struct map *map;                  /* as it is when it succeeds; of a copy while it runs */
	uint32_t seed;
	bool summed, fails;
};

static uint32_t next_random(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	return *x ^= *x << 5;
}

static struct str key_of(unsigned i, char room[16])
{
	int n = snprintf(room, 16, "k%03u", i);
	return str_make(room, (size_t)n);
}

static int one_step(struct store_write *w, struct map *m, uint32_t *x, bool summed)
{
	unsigned i = next_random(x) % KEYS, k = next_random(x) % KEYS;
	char room[16], end[16], *place;
	struct str key = key_of(i, room), found;
	int rc = 0;
	switch (next_random(x) % 8) {
	case 0:
	case 1:
	case 2:
	case 3:
		m->v[i].there = true;
		m->v[i].summed = summed;
		m->v[i].n = next_random(x) % 16 ? next_random(x) % 60 : 3000 + next_random(x) % 3000;
		m->v[i].fill = (unsigned char)next_random(x);
		rc = w ? store_put_reserve(w, key, m->v[i].n, &place) : 0;
		if (w && rc == 0)
			memset(place, m->v[i].fill, m->v[i].n);
		break;
	case 4:
	case 5:
		m->v[i].there = false;
		rc = w ? store_del(w, key) : 0;
		break;
	case 6:
		for (unsigned at = i; at < k && at < i + 5; at++)
			m->v[at].there = false;
		k = k > i + 5 ? i + 5 : k;
		rc = w && i < k ? store_del_range(w, key, key_of(k, end), NULL) : 0;
		break;
	default:
		rc = w ? store_wget(w, key, &found) : 0;
		if (w && (rc == 0) != m->v[i].there)
			return ERR_BUG;
		if (w && rc == 0 && (found.n != m->v[i].n || (found.n && (unsigned char)found.p[0] != m->v[i].fill)))
			return ERR_BUG;
		rc = rc == ERR_NOT_FOUND ? 0 : rc;
	}
	return rc;
}

static void steps(struct map *m, uint32_t seed, bool summed)
{
	uint32_t x = seed;
	for (unsigned i = 0; i < OPS; i++)
		one_step(NULL, m, &x, summed);
}

/* Reads within the closure see its own puts, and those of its neighbours before it: only single ones are compared. */
static int run_job(struct store_write *w, void *arg)
{
	const struct job *j = arg;
	struct map m = *j->map;
	uint32_t x = j->seed;
	for (unsigned i = 0; i < OPS; i++) {
		int rc = one_step(w, &m, &x, j->summed);
		if (rc)
			return rc;
	}
	return j->fails ? ERR_DENIED : 0;
}

static void assert_same(struct fixture *f, const struct map *m)
{
	for (unsigned i = 0; i < KEYS; i++) {
		char room[16];
		size_t n;
		char *p = get(f->store, sys, key_of(i, room), &n);
		assert_int_equal(p != NULL, m->v[i].there);
		assert_true(!p || n == m->v[i].n);
		for (size_t k = 0; p && k < n; k++)
			assert_int_equal((unsigned char)p[k], m->v[i].fill);
		free(p);
	}
	assert_int_equal(check(f, false), 0);
}

/* The rows there are are those of the map, no more and no fewer. */
static void assert_rows(struct fixture *f, const struct map *m)
{
	struct rows r;
	MDB_stat st;
	size_t n = 0;
	store_close(&f->store);
	rows_open(&r, f, false);
	for (unsigned i = 0; i < KEYS; i++) {
		char key_room[16], room[64];
		MDB_val key = full_key(room, key_of(i, key_room).p), row, value;
		bool expected = m->v[i].there && m->v[i].summed;
		assert_int_equal(mdb_get(r.txn, r.sums, &key, &row), expected ? 0 : MDB_NOTFOUND);
		n += expected;
		if (!expected)
			continue;
		assert_int_equal(mdb_get(r.txn, r.kv, &key, &value), 0);
		assert_int_equal(row.mv_size, 4);
		assert_int_equal(load_le32(row.mv_data), hash_crc32c(hash_crc32c(0, key.mv_data, key.mv_size), value.mv_data, value.mv_size));
	}
	assert_int_equal(mdb_stat(r.txn, r.sums, &st), 0);
	assert_int_equal(st.ms_entries, n);
	rows_close(&r);
	reopen(f);
}

static void one_round(struct fixture *f, struct map *m, uint32_t *x, unsigned level)
{
	struct job jobs[GROUP];
	struct store_op ops[GROUP];
	struct map maps[GROUP];
	size_t n = 1 + next_random(x) % GROUP;
	struct map now = *m;
	for (size_t i = 0; i < n; i++) {
		maps[i] = now;
		jobs[i] = (struct job){ &maps[i], next_random(x) | 1, level >= 2, next_random(x) % 4 == 0 };
		ops[i] = (struct store_op){ sys, run_job, &jobs[i], 0 };
		if (!jobs[i].fails)
			steps(&now, jobs[i].seed, level >= 2);
	}
	store_commit_all(f->store, ops, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(ops[i].result, jobs[i].fails ? ERR_DENIED : 0);
	*m = now;
}

static void sums_stay_in_step(void **state)
{
	struct fixture *f = *state;
	struct map m = { .v = { { .there = false } } };
	uint32_t x = 20261126;
	unsigned level = store_level(f->store);
	for (unsigned round = 0; round < ROUNDS; round++) {
		if (round == ROUNDS / 2 && level < 2) {
			assert_int_equal(store_raise_level(f->store, 2), 0);
			level = 2;
		}
		one_round(f, &m, &x, level);
		if (round % 20 == 0)
			assert_same(f, &m);
		if (round % 25 == 0)
			assert_rows(f, &m);
	}
	assert_rows(f, &m);
	assert_same(f, &m);
}

/* ---- versions ---- */

static uint64_t commit_and_ask(struct fixture *f)
{
	put(f->store, account, STR("k"), STR("v"));
	return store_scope_version(f->store, account);
}

static const char account_scope[] = { STORE_ACCOUNT, 0, 0, 0, 0, 0, 0, 0, 1 };

/* Behind the scope, in each place where it stands as a key of `versions`: before its value, whose lowest octet is this. */
static void flip_version(struct fixture *f, uint64_t version, size_t skip)
{
	char row[sizeof account_scope + 8];
	memcpy(row, account_scope, sizeof account_scope);
	store_le64(row + sizeof account_scope, version);
	flip(f, str_make(row, sizeof row), skip);
}

static void a_bit_in_a_version_is_noticed(void **state)
{
	struct fixture *f = *state;
	for (size_t skip = 0; skip < sizeof account_scope + 12; skip++) {
		/* in the key itself the scope may become another's */
		uint64_t before = commit_and_ask(f), faults;
		flip_version(f, before, skip);
		faults = check(f, false);
		assert_true(faults > 0);
		if (skip >= sizeof account_scope)
			assert_int_equal(store_scope_version(f->store, account), 0);
		if (skip % 2) {
			assert_true(check(f, true) >= faults);
			assert_int_equal(check(f, false), 0);
		}
		/* None that there was, neither with a repair nor without. */
		uint64_t after = commit_and_ask(f);
		assert_true(after > before || skip < sizeof account_scope);
		assert_int_equal(commit_and_ask(f), after + 1);
		check(f, true);
		assert_int_equal(check(f, false), 0);
	}
}

/* An older program reads it still. */
static void versions_of_level_2_have_none(void **state)
{
	struct fixture *f = *state;
	uint64_t before = commit_and_ask(f);
	flip_version(f, before, sizeof account_scope);
	assert_int_equal(check(f, false), 0);
	before ^= 4;
	assert_int_equal(store_scope_version(f->store, account), before);
	assert_int_equal(store_raise_level(f->store, STORE_LEVEL_NEWEST), 0);
	assert_int_equal(commit_and_ask(f), before + 1);
	flip_version(f, before + 1, sizeof account_scope);
	assert_int_equal(store_scope_version(f->store, account), 0);
	assert_true(commit_and_ask(f) > before + 1);
	assert_int_equal(check(f, false), 0);
}

int main(void)
{
	static const struct store_fault_plan twice = { .twice_percent = 40, .seed = 5 };
	struct conformance_target old = target, second = target, again = target, old_again = target;
	old.level = old_again.level = 1;
	second.level = 2;
	again.faults = old_again.faults = &twice;
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(a_bit_in_a_value_is_noticed, &target),
		CONFORMANCE_TEST(writing_over_it_heals, &target),
		CONFORMANCE_TEST(of_level_1_there_is_none, &old),
		CONFORMANCE_TEST(a_salvage_keeps_sums_and_wounds_what_fails, &target),
		CONFORMANCE_TEST(rows_that_fit_nothing_are_found, &target),
		CONFORMANCE_TEST(a_bit_in_a_version_is_noticed, &target),
		CONFORMANCE_TEST(versions_of_level_2_have_none, &second),
		CONFORMANCE_TEST(sums_stay_in_step, &target),
		CONFORMANCE_TEST(sums_stay_in_step, &old),
		CONFORMANCE_TEST(sums_stay_in_step, &again),
		CONFORMANCE_TEST(sums_stay_in_step, &old_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
