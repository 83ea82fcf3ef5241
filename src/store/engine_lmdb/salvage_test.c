/* A damaged index is noticed before LMDB stumbles over it, and all that can be read of it comes into a new one. */
#include "base/bytes.h"
#include "store/conformance/conformance.h"
#include "store/engine_lmdb/index_inspect.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct conformance_target target = { .name = "salvage", .engine = STORE_ENGINE_LMDB };
static const struct store_scope first = { STORE_ACCOUNT, 1 }, second = { STORE_ACCOUNT, 2 };
static const store_tag ann = (uint64_t)STORE_ACCOUNT << 56 | 1;

#define KEYS 3000u

static int put_many(struct store_write *w, void *arg)
{
	unsigned change = *(const unsigned *)arg;
	for (unsigned i = 0; i < KEYS; i++) {
		char key[16], value[64];
		int k = snprintf(key, sizeof key, "k%05u", i), v = snprintf(value, sizeof value, "value %u of %05u, which takes room", change, i);
		int rc = store_put(w, str_make(key, (size_t)k), str_make(value, (size_t)v));
		if (rc)
			return rc;
	}
	return 0;
}

static void fill(struct fixture *f)
{
	unsigned one = 1;
	assert_int_equal(store_commit(f->store, first, put_many, &one), 0);
	put(f->store, second, STR("a"), STR("of the second"));
	blob_put(f->store, STR("a body"), &ann, 1);
	store_close(&f->store);
}

static struct store_config config_of(const struct fixture *f) { return (struct store_config){ .engine = STORE_ENGINE_LMDB, .dir = f->dir }; }

static uint64_t inspect(const struct fixture *f)
{
	struct store_config c = config_of(f);
	uint64_t faults;
	assert_int_equal(store_inspect(&c, NULL, NULL, &faults), 0);
	return faults;
}

static void salvage(const struct fixture *f)
{
	struct store_config c = config_of(f);
	struct err e = { .code = 0 };
	if (store_salvage(&c, NULL, NULL, &e))
		fail_msg("%s", e.log);
	assert_int_equal(inspect(f), 0);
}

static void reopen(struct fixture *f)
{
	struct err e = { .code = 0 };
	if (fixture_open(f, false, &e))
		fail_msg("%s", e.log);
}

static void assert_refused(struct fixture *f)
{
	struct err e = { .code = 0 };
	assert_int_equal(fixture_open(f, false, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.log, "check --repair"));
}

/* How many of the keys are there, each with its own value. */
static unsigned count(struct fixture *f)
{
	unsigned n = 0;
	for (unsigned i = 0; i < KEYS; i++) {
		char key[16], value[64];
		size_t got;
		int k = snprintf(key, sizeof key, "k%05u", i), v = snprintf(value, sizeof value, "value 1 of %05u, which takes room", i);
		char *p = get(f->store, first, str_make(key, (size_t)k), &got);
		assert_true(!p || (got == (size_t)v && memcmp(p, value, got) == 0));
		n += p != NULL;
		free(p);
	}
	return n;
}

static int open_index(const struct fixture *f)
{
	char path[128];
	snprintf(path, sizeof path, "%s/index/data.mdb", f->dir);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	return fd;
}

/* The first page of the newest commit of this kind with so many records at least. */
static uint64_t find_page(const struct fixture *f, bool leaf, unsigned least)
{
	struct index_picture p;
	uint8_t page[INDEX_PAGE_SIZE];
	assert_int_equal(index_picture_open(f->dir, &p), 0);
	uint64_t found = 0;
	for (uint64_t n = 2; !found && n < p.file.pages; n++)
		if (index_file_read(&p.file, n, page) == 0 && !index_page_judge(page, n, leaf) && index_page_count(page) >= least)
			found = n;
	index_picture_close(&p);
	assert_true(found);
	return found;
}

static void wipe(const struct fixture *f, uint64_t page, size_t n)
{
	static const char zeros[4096];
	int fd = open_index(f);
	assert_int_equal(pwrite(fd, zeros, n, (off_t)(page * INDEX_PAGE_SIZE)), n);
	close(fd);
}

static void a_sound_index_has_no_fault(void **state)
{
	struct fixture *f = *state;
	fill(f);
	assert_int_equal(inspect(f), 0);
	salvage(f);
	reopen(f);
	assert_int_equal(count(f), KEYS);
	assert_false(store_wounded(f->store, first));
}

static void below_a_lost_branch_all_is_found(void **state)
{
	struct fixture *f = *state;
	fill(f);
	wipe(f, find_page(f, false, 10), 4096);
	assert_true(inspect(f) > 0);
	assert_refused(f);
	salvage(f);
	reopen(f);
	assert_int_equal(count(f), KEYS);
	assert_true(store_wounded(f->store, first));
	/* The check says so until everything above has done its part. */
	uint64_t faults;
	assert_int_equal(store_check(f->store, false, NULL, NULL, &faults), 0);
	assert_true(faults > 0);
	assert_int_equal(store_check(f->store, true, NULL, NULL, &faults), 0);
	assert_int_equal(store_heal(f->store), 0);
	assert_false(store_wounded(f->store, first));
	assert_int_equal(store_check(f->store, false, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 0);
}

static void of_a_lost_leaf_the_rest_stays(void **state)
{
	struct fixture *f = *state;
	fill(f);
	wipe(f, find_page(f, true, 40), 4096);
	assert_refused(f);
	salvage(f);
	reopen(f);
	unsigned n = count(f);
	assert_true(n > KEYS - 200 && n < KEYS);
	assert_true(store_wounded(f->store, first));
	assert_false(store_wounded(f->store, (struct store_scope){ STORE_ACCOUNT, 77 }));
	assert_true(store_scope_version(f->store, first) > 0);
}

/* A bit in the number of pages, high up: LMDB would try to map them all. */
static void a_wrong_number_of_pages_is_noticed(void **state)
{
	struct fixture *f = *state;
	struct index_picture p;
	fill(f);
	assert_int_equal(index_picture_open(f->dir, &p), 0);
	off_t at = (off_t)p.newest * INDEX_PAGE_SIZE + 141;
	index_picture_close(&p);
	int fd = open_index(f);
	char byte;
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 2;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
	assert_true(inspect(f) > 0);
	assert_refused(f);
	salvage(f);
	reopen(f);
	assert_int_equal(count(f), KEYS);
}

static void a_lost_meta_page_loses_nothing(void **state)
{
	struct fixture *f = *state;
	fill(f);
	wipe(f, 0, 4096);
	assert_refused(f);
	salvage(f);
	reopen(f);
	assert_int_equal(count(f), KEYS);
	store_close(&f->store);
	wipe(f, 0, 4096);
	wipe(f, 1, 4096);
	assert_refused(f);
	salvage(f);
	reopen(f);
	assert_int_equal(count(f), KEYS);
}

static void write_octet(struct fixture *f, unsigned meta, uint8_t octet)
{
	int fd = open_index(f);
	assert_int_equal(pwrite(fd, &octet, 1, (off_t)(meta * INDEX_PAGE_SIZE) + 144), 1);
	close(fd);
}

/* With the second bit turned, 5 becomes 7 and would be newer than 6. Where it makes 6 to 4 nobody can tell it from a root that the disk refused: LMDB puts back the
 * number then, and not the rest. */
static void a_root_under_another_number_is_noticed(void **state)
{
	struct fixture *f = *state;
	unsigned refused = 0;
	fill(f);
	for (unsigned more = 0; more < 4; more++) {
		reopen(f);
		put(f->store, second, STR("a"), STR("of the second"));
		store_close(&f->store);
		for (unsigned meta = 0; meta < 2; meta++)
			for (unsigned bit = 0; bit < 8; bit++) {
				struct index_picture p;
				assert_int_equal(index_picture_open(f->dir, &p), 0);
				uint8_t octet = (uint8_t)p.meta[meta].txn;
				bool alike = p.newest == meta && bit == 1 && octet & 2;
				index_picture_close(&p);
				write_octet(f, meta, octet ^ (uint8_t)(1u << bit));
				assert_int_equal(inspect(f) == 0, alike);
				if (!alike)
					assert_refused(f);
				refused += alike;
				write_octet(f, meta, octet);
				assert_int_equal(inspect(f), 0);
			}
	}
	assert_true(refused > 0);
	/* and what is made of it is of the newest commit */
	struct index_picture p;
	assert_int_equal(index_picture_open(f->dir, &p), 0);
	unsigned older = !p.newest;
	uint8_t octet = (uint8_t)p.meta[older].txn ^ 2u;
	index_picture_close(&p);
	write_octet(f, older, octet);
	if (inspect(f))
		salvage(f);
	reopen(f);
	size_t n;
	char *value = get(f->store, second, STR("a"), &n);
	assert_int_equal(n, 13);
	free(value);
}

static void without_any_index_there_is_an_empty_one(void **state)
{
	struct fixture *f = *state;
	char path[128];
	fill(f);
	snprintf(path, sizeof path, "%s/index/data.mdb", f->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(inspect(f), 1);
	assert_refused(f);
	salvage(f);
	reopen(f);
	assert_int_equal(count(f), 0);
	assert_true(store_wounded(f->store, first));
	assert_true(store_wounded(f->store, (struct store_scope){ STORE_SYSTEM, 0 }));
	uint64_t faults;
	assert_int_equal(store_check(f->store, true, NULL, NULL, &faults), 0);
	/* The body is there again, and its id is not given out a second time. */
	bool has;
	store_blob_id id = (uint64_t)1 << 32 | 4;
	assert_int_equal(store_blob_tagged(f->store, &id, 1, ann, &has), 0);
	assert_true(has);
	assert_blob(f->store, id, STR("a body"));
	assert_true(blob_put(f->store, STR("another"), &ann, 1) >> 32 > 1);
}

static void what_a_killed_run_left_does_no_harm(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct stat st;
	fill(f);
	wipe(f, find_page(f, false, 10), 4096);
	snprintf(path, sizeof path, "%s/index.new", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/index.new/data.mdb", f->dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "half", 4), 4);
	close(fd);
	salvage(f);
	assert_true(stat(path, &st) < 0);
	snprintf(path, sizeof path, "%s/quarantine/index-1.mdb", f->dir);
	assert_int_equal(stat(path, &st), 0);
	reopen(f);
	assert_int_equal(count(f), KEYS);
}

/* Who has seen a version of a scope knows whether it changed since. */
static void versions_never_come_back(void **state)
{
	struct fixture *f = *state;
	uint8_t page[INDEX_PAGE_SIZE];
	struct index_picture p;
	uint64_t found = 0, most = 0;
	fill(f);
	reopen(f);
	for (unsigned i = 0; i < 20; i++)
		put(f->store, first, STR("k"), STR("v"));
	uint64_t before = store_scope_version(f->store, first);
	store_close(&f->store);
	assert_int_equal(index_picture_open(f->dir, &p), 0);
	for (uint64_t n = 2; n < p.file.pages; n++) {
		struct index_node node;
		if (index_file_read(&p.file, n, page) || index_page_judge(page, n, true) || !index_node_decode(page, 0, true, &node) || node.key.n != 9 ||
			node.value.n != 12 || load_le64(node.value.p) <= most)
			continue;
		found = n;
		most = load_le64(node.value.p);
	}
	index_picture_close(&p);
	assert_true(found);
	wipe(f, found, INDEX_PAGE_SIZE);
	salvage(f);
	reopen(f);
	assert_true(store_scope_version(f->store, first) > before);
}

/* ---- a large index is looked through in the background ---- */

static void put_one(struct fixture *f, unsigned i)
{
	char key[16];
	int n = snprintf(key, sizeof key, "k%05u", i * 61 % KEYS);
	put(f->store, first, str_make(key, (size_t)n), STR("another value"));
}

static void hear(void *arg, const char *line)
{
	unsigned *lines = arg;
	++*lines;
	assert_non_null(strstr(line, "index, table"));
}

/* A round, in parts of so many bytes; *parts_out: how many. */
static uint64_t patrol(struct fixture *f, uint64_t bytes, unsigned *parts_out)
{
	uint64_t faults, all = 0;
	unsigned lines = 0;
	bool done = false;
	for (*parts_out = 0; !done; ++*parts_out) {
		assert_int_equal(store_patrol(f->store, bytes, hear, &lines, &faults, &done), 0);
		all += faults;
		assert_true(*parts_out < 10000);
	}
	assert_int_equal(lines, all);
	return all;
}

static void a_large_index_is_looked_through_in_parts(void **state)
{
	struct fixture *f = *state;
	struct store_config c = config_of(f);
	struct index_picture p;
	uint8_t page[INDEX_PAGE_SIZE];
	unsigned parts, more;
	fill(f);
	/* every leaf in turn that has many records */
	assert_int_equal(index_picture_open(f->dir, &p), 0);
	uint64_t pages = p.file.pages, struck = 0;
	index_picture_close(&p);
	c.inspect_bytes = 1;
	assert_int_equal(store_open(&c, &f->store, NULL), 0);
	assert_int_equal(patrol(f, 1, &parts), 0);
	assert_int_equal(patrol(f, UINT64_MAX / 2, &more), 0);
	assert_true(parts > 30 && more == 1);
	store_close(&f->store);
	for (uint64_t n = 2; n < pages; n++) {
		int fd = open_index(f);
		off_t at = (off_t)(n * INDEX_PAGE_SIZE);
		assert_int_equal(pread(fd, page, sizeof page, at), sizeof page);
		uint64_t before = inspect(f), whole, found;
		assert_int_equal(before, 0);
		wipe(f, n, 512);
		whole = inspect(f);
		if (whole && store_open(&c, &f->store, NULL) == 0) {
			found = patrol(f, 3 * INDEX_PAGE_SIZE, &parts);
			/* a count that does not fit follows from it, and is for the whole look alone */
			assert_true(found > 0 && found <= whole);
			assert_true(patrol(f, 1, &parts) > 0);
			store_close(&f->store);
			struck++;
		}
		assert_int_equal(pwrite(fd, page, sizeof page, at), sizeof page);
		close(fd);
	}
	assert_true(struck > 20);
	reopen(f);
	/* beside work, while pages come and go */
	for (unsigned i = 0; i < 50; i++) {
		uint64_t faults;
		bool done;
		put_one(f, i);
		assert_int_equal(store_patrol(f->store, 5 * INDEX_PAGE_SIZE, NULL, NULL, &faults, &done), 0);
		assert_int_equal(faults, 0);
	}
}

/* Where the flags of a list of free pages are that has the size of a table; 0: there is none of that size. */
static uint64_t find_flags(const struct fixture *f)
{
	struct index_picture p;
	struct index_node node;
	uint8_t page[INDEX_PAGE_SIZE];
	uint64_t at = 0;
	assert_int_equal(index_picture_open(f->dir, &p), 0);
	const struct index_table *t = &p.meta[p.newest].free;
	if (t->depth == 1 && index_file_read(&p.file, t->root, page) == 0)
		for (unsigned i = 0; i < index_page_count(page) && !at; i++)
			if (index_node_decode(page, i, true, &node) && node.size == INDEX_TABLE_SIZE)
				at = t->root * INDEX_PAGE_SIZE + load_le32(page + INDEX_PAGE_HEADER + 2 * i) % (1u << 16) + 4;
	index_picture_close(&p);
	return at;
}

/* One bit makes a list of free pages one of the tables: LMDB reads it all the same, so the opener has to look. */
static void a_list_of_free_pages_is_no_table(void **state)
{
	struct fixture *f = *state;
	uint64_t at = 0;
	uint8_t flags;
	fill(f);
	for (unsigned i = 0; i < 200 && (at = find_flags(f)) == 0; i++) {
		reopen(f);
		put(f->store, i % 3 ? first : second, STR("k00001"), STR("once more"));
		store_close(&f->store);
	}
	assert_true(at > 0);
	int fd = open_index(f);
	assert_int_equal(pread(fd, &flags, 1, (off_t)at), 1);
	flags ^= INDEX_SUBTABLE;
	assert_int_equal(pwrite(fd, &flags, 1, (off_t)at), 1);
	assert_true(inspect(f) > 0);
	flags ^= INDEX_SUBTABLE;
	assert_int_equal(pwrite(fd, &flags, 1, (off_t)at), 1);
	close(fd);
	assert_int_equal(inspect(f), 0);
	reopen(f);
}

static void nobody_else_may_have_it_open(void **state)
{
	struct fixture *f = *state;
	int ready[2], done[2];
	fill(f);
	assert_int_equal(pipe(ready) | pipe(done), 0);
	pid_t child = fork();
	if (child == 0) {
		char c = 0;
		struct err e = { .code = 0 };
		if (fixture_open(f, false, &e) || write(ready[1], &c, 1) != 1 || read(done[0], &c, 1) != 1)
			_exit(1);
		store_close(&f->store);
		_exit(0);
	}
	char c;
	assert_int_equal(read(ready[0], &c, 1), 1);
	struct store_config config = config_of(f);
	struct err e = { .code = 0 };
	assert_int_equal(store_salvage(&config, NULL, NULL, &e), ERR_BUSY);
	assert_int_equal(inspect(f), 0);
	assert_int_equal(write(done[1], &c, 1), 1);
	int status;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	salvage(f);
}

/* Turns one bit of the octet behind each place where the bytes stand. */
static unsigned flip_behind(const struct fixture *f, const uint8_t *bytes, size_t n)
{
	int fd = open_index(f);
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	size_t size = (size_t)st.st_size;
	uint8_t *data = malloc(size);
	assert_non_null(data);
	assert_int_equal(pread(fd, data, size, 0), size);
	unsigned found = 0;
	for (size_t i = 0; i + n < size; i++) {
		if (memcmp(data + i, bytes, n) != 0)
			continue;
		data[i + n] ^= 1;
		assert_int_equal(pwrite(fd, data + i + n, 1, (off_t)(i + n)), 1);
		found++;
	}
	free(data);
	close(fd);
	return found;
}

static int put_large_then_less_large(struct store_write *w, void *arg)
{
	char *place;
	(void)arg;
	int rc = store_put_reserve(w, STR("large"), 20000, &place);
	if (rc == 0)
		memset(place, 'a', 20000);
	if (rc == 0)
		rc = store_put_reserve(w, STR("large"), 3000, &place);
	if (rc == 0)
		memset(place, 'b', 3000);
	return rc;
}

/* LMDB leaves it the pages of the larger one. */
static void a_value_with_more_pages_than_it_needs_is_sound(void **state)
{
	struct fixture *f = *state;
	size_t n;
	assert_int_equal(store_commit(f->store, first, put_large_then_less_large, NULL), 0);
	store_close(&f->store);
	assert_int_equal(inspect(f), 0);
	reopen(f);
	put(f->store, second, STR("a"), STR("b"));
	store_close(&f->store);
	salvage(f);
	reopen(f);
	char *p = get(f->store, first, STR("large"), &n);
	assert_true(p && n == 3000 && p[0] == 'b' && p[2999] == 'b');
	free(p);
}

static void a_bit_in_a_row_is_noticed(void **state)
{
	struct fixture *f = *state;
	uint64_t faults;
	uint8_t key[16];
	bool has;
	store_blob_id id = blob_put(f->store, STR("kept by another one too"), &ann, 1);
	store_tag other = ann + 1;
	assert_int_equal(store_blob_tag(f->store, &id, 1, other), 0);
	assert_int_equal(store_blob_untag(f->store, &id, 1, ann), 0);
	store_close(&f->store);
	for (unsigned i = 0; i < 8; i++) {
		key[i] = (uint8_t)(id >> (56 - 8 * i));
		key[8 + i] = (uint8_t)(other >> (56 - 8 * i));
	}
	assert_true(flip_behind(f, key, sizeof key) > 0);
	/* The pages are as they should be, the row is not. */
	assert_int_equal(inspect(f), 0);
	reopen(f);
	assert_int_equal(store_blob_tagged(f->store, &id, 1, other, &has), ERR_CORRUPT);
	assert_int_equal(store_check(f->store, false, NULL, NULL, &faults), 0);
	assert_true(faults > 0);
	assert_int_equal(store_check(f->store, true, NULL, NULL, &faults), 0);
	assert_int_equal(store_check(f->store, false, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 0);
	/* Whoever needs the blob tags it again; until then it is dead, but there. */
	assert_int_equal(store_blob_tag(f->store, &id, 1, other), 0);
	assert_blob(f->store, id, STR("kept by another one too"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFORMANCE_TEST(a_sound_index_has_no_fault, &target),
		CONFORMANCE_TEST(below_a_lost_branch_all_is_found, &target),
		CONFORMANCE_TEST(of_a_lost_leaf_the_rest_stays, &target),
		CONFORMANCE_TEST(a_wrong_number_of_pages_is_noticed, &target),
		CONFORMANCE_TEST(a_lost_meta_page_loses_nothing, &target),
		CONFORMANCE_TEST(a_root_under_another_number_is_noticed, &target),
		CONFORMANCE_TEST(without_any_index_there_is_an_empty_one, &target),
		CONFORMANCE_TEST(what_a_killed_run_left_does_no_harm, &target),
		CONFORMANCE_TEST(a_value_with_more_pages_than_it_needs_is_sound, &target),
		CONFORMANCE_TEST(a_bit_in_a_row_is_noticed, &target),
		CONFORMANCE_TEST(versions_never_come_back, &target),
		CONFORMANCE_TEST(a_large_index_is_looked_through_in_parts, &target),
		CONFORMANCE_TEST(a_list_of_free_pages_is_no_table, &target),
		CONFORMANCE_TEST(nobody_else_may_have_it_open, &target),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
