#include "model/fixture.h"

#include "base/buf.h"
#include "base/num.h"
#include "model/limits.h"

#include <dirent.h>
#include <unistd.h>

__attribute__((weak)) const struct store_fault_plan *fixture_faults(void) { return NULL; }

bool fixture_again(int rc) { return fixture_faults() && err_class(rc) == ERR_CLASS_TEMPORARY; }

static void open_store(struct fixture *f, bool create)
{
	struct store_config config = { .engine = f->engine, .dir = f->dir, .create = create, .no_sync = true,
								   .map_size = (uint64_t)4 << 30, .segment_size = (uint64_t)16 << 20 };
	struct err e = { 0 };
	if (store_open(&config, &f->store, &e))
		fail_msg("store_open: %s", e.log);
	f->plain = f->store;
	if (fixture_faults())
		assert_int_equal(store_wrap_faults(&f->store, fixture_faults()), 0);
}

static void open_model(struct fixture *f)
{
	struct err e = { 0 };
	assert_int_equal(model_open(f->store, NULL, &f->model, &e), 0);
	/* Keeps no views: what it shows was read just now. */
	struct model_config config = { .view_cache_bytes = 1 };
	assert_int_equal(model_open(f->plain, &config, &f->plain_model, &e), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->engine = (enum store_engine)(uintptr_t)*state;
	memcpy(f->dir, "/tmp/troika-model-XXXXXX", 25);
	assert_non_null(mkdtemp(f->dir));
	arena_init(&f->arena, 0);
	open_store(f, true);
	open_model(f);
	FIXTURE_OK(account_create(f->model, FIXTURE_ACCOUNT));
	FIXTURE_OK(account_open(f->model, FIXTURE_ACCOUNT, &f->account));
	*state = f;
	return 0;
}

static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	for (struct dirent *entry; d && (entry = readdir(d));) {
		char child[400];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
		if (unlink(child))
			remove_tree(child);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	account_close(&f->account);
	model_close(&f->model);
	model_close(&f->plain_model);
	store_close(&f->store);
	arena_fini(&f->arena);
	remove_tree(f->dir);
	free(f);
	return 0;
}

int fixture_run(const char *name, const struct CMUnitTest *tests, size_t n)
{
	static const struct { enum store_engine engine; const char *name; } engines[] = {
		{ STORE_ENGINE_MEM, "mem" }, { STORE_ENGINE_LMDB, "lmdb" },
	};
	int failed = 0;
	for (size_t i = 0; i < 2; i++) {
		struct CMUnitTest *copy = calloc(n, sizeof(*copy));
		for (size_t k = 0; k < n; k++) {
			copy[k] = tests[k];
			copy[k].setup_func = setup;
			copy[k].teardown_func = teardown;
			copy[k].initial_state = (void *)(uintptr_t)engines[i].engine;
		}
		char title[100];
		snprintf(title, sizeof(title), "%s on %s", name, engines[i].name);
		failed += _cmocka_run_group_tests(title, copy, n, NULL, NULL);
		free(copy);
	}
	return failed;
}

void fixture_reopen(struct fixture *f)
{
	account_close(&f->account);
	model_close(&f->model);
	model_close(&f->plain_model);
	if (f->engine == STORE_ENGINE_LMDB) {
		store_close(&f->store);
		open_store(f, false);
	}
	open_model(f);
	FIXTURE_OK(account_open(f->model, FIXTURE_ACCOUNT, &f->account));
}

uint32_t fixture_append(struct fixture *f, uint32_t mailbox, const char *text, uint64_t flags)
{
	struct str bytes = str_from_c(text);
	uint64_t account = FIXTURE_ACCOUNT;
	struct append item = { .size = (uint32_t)bytes.n, .summary = STR("summary"), .date = 1000, .flags = flags };
	assert_int_equal(model_put_blob(f->model, &bytes, 1, &account, 1, &item.blob), 0);
	uint32_t uidvalidity;
	assert_int_equal(mailbox_append(f->account, mailbox, &item, 1, false, &uidvalidity), 0);
	assert_int_equal(uidvalidity, fixture_get(f, mailbox).uidvalidity);
	return item.uid_out;
}

void fixture_append_many(struct fixture *f, uint32_t mailbox, unsigned n)
{
	struct append *items = calloc(n, sizeof(*items));
	uint64_t account = FIXTURE_ACCOUNT;
	struct str bytes = STR("x");
	for (unsigned i = 0; i < n; i++) {
		items[i] = (struct append){ .size = 1, .summary = STR("s"), .date = (int64_t)i };
		assert_int_equal(model_put_blob(f->model, &bytes, 1, &account, 1, &items[i].blob), 0);
	}
	assert_int_equal(mailbox_append(f->account, mailbox, items, n, false, NULL), 0);
	free(items);
}

uint32_t fixture_mailbox(struct fixture *f, const char *name)
{
	struct mailbox m;
	FIXTURE_OK(mailbox_create(f->account, str_from_c(name), 0, &m, NULL));
	return m.id;
}

struct mailbox fixture_get(struct fixture *f, uint32_t id)
{
	struct mailbox m;
	FIXTURE_OK(mailbox_get(f->account, &f->arena, id, &m));
	return m;
}

static const char *keep(struct fixture *f, struct buf *b)
{
	const char *text = arena_dup_c(&f->arena, buf_str(b));
	buf_fini(b);
	assert_non_null(text);
	return text;
}

static void show_flags(struct buf *b, uint64_t flags)
{
	static const struct {
		uint64_t flag;
		char letter;
	} letters[] = {
		{ MESSAGE_SEEN, 's' }, { MESSAGE_ANSWERED, 'a' }, { MESSAGE_FLAGGED, 'f' },
		{ MESSAGE_DELETED, 'd' }, { MESSAGE_DRAFT, 't' }, { MESSAGE_GHOST, 'g' },
	};
	if (flags)
		buf_add_char(b, ':');
	for (size_t i = 0; i < 6; i++)
		if (flags & letters[i].flag)
			buf_add_char(b, letters[i].letter);
	for (unsigned i = 0; i < KEYWORDS_MAX; i++)
		if (flags >> (MESSAGE_KEYWORD_SHIFT + i) & 1)
			buf_add_u64(b, i);
}

const char *fixture_show(struct fixture *f, const struct view *v)
{
	struct buf b = BUF_INIT(0);
	struct view_iter it = view_iter_at(v, 0);
	for (const struct message *m; (m = view_iter_next(&it));) {
		if (b.n)
			buf_add_char(&b, ' ');
		buf_add_u64(&b, m->uid);
		show_flags(&b, m->flags);
	}
	return keep(f, &b);
}

const char *fixture_show_mailbox(struct fixture *f, uint32_t id)
{
	struct view *v;
	assert_int_equal(view_open(f->account, id, &v), 0);
	const char *text = fixture_show(f, v);
	view_unref(&v);
	return text;
}

struct rangeset fixture_uids(const char *text)
{
	struct rangeset set = RANGESET_INIT;
	struct str rest = str_from_c(text), one, lo, hi;
	for (bool more = rest.n > 0; more;) {
		more = str_cut(rest, ',', &one, &rest);
		bool pair = str_cut(one, ':', &lo, &hi);
		uint32_t from = 0, to = 0;
		assert_true(num_parse_u32(lo, &from));
		to = from;
		if (pair && !str_eq(hi, STR("*")))
			assert_true(num_parse_u32(hi, &to));
		else if (pair)
			to = UINT32_MAX;
		assert_int_equal(rangeset_add(&set, from, to), 0);
	}
	return set;
}

const char *fixture_uids_show(struct fixture *f, const struct rangeset *set)
{
	struct buf b = BUF_INIT(0);
	rangeset_format(set, &b);
	return keep(f, &b);
}

void fixture_flags(struct fixture *f, uint32_t mailbox, const char *uids, enum flags_op op, uint64_t flags,
				   const char *keyword)
{
	struct rangeset set = fixture_uids(uids);
	struct str name = str_from_c(keyword);
	struct flags_change change = { .op = op, .flags = flags, .keywords = &name, .n_keywords = keyword ? 1 : 0 };
	assert_int_equal(mailbox_flags(f->account, mailbox, &set, &change, NULL, NULL, NULL), 0);
	rangeset_fini(&set);
}

static int count_blob(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	(void)id;
	(void)size;
	(void)tag;
	++*(unsigned *)arg;
	return 0;
}

unsigned fixture_blobs(struct fixture *f)
{
	unsigned n = 0;
	store_tag tag = store_tag_of((struct store_scope){ STORE_ACCOUNT, FIXTURE_ACCOUNT });
	assert_int_equal(store_blob_visit(f->plain, tag, count_blob, &n), 0);
	return n;
}

static void no_line(void *arg, const char *line)
{
	(void)arg;
	fail_msg("%s", line);
}

static void assert_stale_tag(void *arg, const char *line)
{
	(void)arg;
	if (!strstr(line, "are kept for it that no email needs"))
		fail_msg("%s", line);
}

void fixture_check(struct fixture *f)
{
	uint64_t faults;
	/* What fails after a commit may leave a body's tag behind. That is all: it must be gone after a repair. */
	if (fixture_faults())
		assert_int_equal(model_check(f->plain_model, 0, true, assert_stale_tag, NULL, &faults), 0);
	assert_int_equal(model_check(f->plain_model, 0, false, no_line, NULL, &faults), 0);
	assert_int_equal(faults, 0);
}
