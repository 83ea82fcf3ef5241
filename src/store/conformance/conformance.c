#include "store/conformance/conformance.h"

#include "base/buf.h"

#include <ftw.h>
#include <unistd.h>

#define TRIES_MAX 10000

int conformance_run(const struct conformance_target *t)
{
	return conformance_ordering(t) + conformance_isolation(t) + conformance_writing(t) + conformance_groups(t)
		+ conformance_watching(t) + conformance_blobs(t) + conformance_threads(t) + conformance_levels(t);
}

int fixture_open(struct fixture *f, bool read_only, struct err *e)
{
	const struct conformance_target *t = f->target;
	struct store_config c = { .engine = t->engine, .dir = f->dir, .create = !read_only, .read_only = read_only,
		.map_size = t->map_size, .segment_size = t->segment_size, .level = t->level };
	int rc = store_open(&c, &f->store, e);
	return rc == 0 && t->faults ? store_wrap_faults(&f->store, t->faults) : rc;
}

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->target = *state;
	const char *dir = getenv("TMPDIR");
	snprintf(f->dir, sizeof f->dir, "%.40s/store-XXXXXX", dir ? dir : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	struct err e = { .code = 0 };
	if (fixture_open(f, false, &e))
		fail_msg("%s", e.log);
	*state = f;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	store_close(&f->store);
	nftw(f->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

bool is_passing(int rc)
{
	return rc == ERR_RETRY || rc == ERR_IO || rc == ERR_NO_SPACE || rc == ERR_UNKNOWN || rc == ERR_BUSY;
}

int commit(struct store *s, struct store_scope scope, store_commit_fn *fn, void *arg)
{
	int rc = ERR_RETRY;
	for (int i = 0; i < TRIES_MAX && is_passing(rc); i++)
		rc = store_commit(s, scope, fn, arg);
	return rc;
}

struct pair {
	struct str key, value;
};

static int put_pair(struct store_write *w, void *arg)
{
	const struct pair *p = arg;
	return store_put(w, p->key, p->value);
}

static int del_key(struct store_write *w, void *arg) { return store_del(w, *(const struct str *)arg); }

void put(struct store *s, struct store_scope scope, struct str key, struct str value)
{
	struct pair p = { key, value };
	assert_int_equal(commit(s, scope, put_pair, &p), 0);
}

void del(struct store *s, struct store_scope scope, struct str key)
{
	assert_int_equal(commit(s, scope, del_key, &key), 0);
}

void begin(struct store *s, struct store_scope scope, struct store_read **out)
{
	int rc = ERR_RETRY;
	for (int i = 0; i < TRIES_MAX && is_passing(rc); i++)
		rc = store_begin(s, scope, out);
	assert_int_equal(rc, 0);
}

char *get(struct store *s, struct store_scope scope, struct str key, size_t *n_out)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		struct store_read *r;
		struct str value;
		begin(s, scope, &r);
		int rc = store_get(r, key, &value);
		char *copy = NULL;
		if (rc == 0) {
			copy = malloc(value.n + 1);
			assert_non_null(copy);
			if (value.n)
				memcpy(copy, value.p, value.n);
			copy[value.n] = '\0';
		}
		*n_out = value.n;
		store_end(&r);
		if (rc == ERR_NOT_FOUND || rc == 0)
			return copy;
		assert_true(is_passing(rc));
	}
	fail_msg("a key that can never be read");
	return NULL;
}

static void add_text(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c > ' ' && c < 0x7f)
			buf_add_char(b, (char)c);
		else
			buf_printf(b, "\\%02x", c);
	}
}

/* 0, or the error that broke it off. */
static int list_once(struct store *s, struct store_scope scope, struct str from, struct str to, bool reverse,
					 struct buf *out)
{
	struct store_read *r;
	struct store_iter *it;
	begin(s, scope, &r);
	assert_int_equal(store_range(r, from, to, reverse, &it), 0);
	struct str key, value;
	int rc;
	while ((rc = store_next(it, &key, &value)) == 1) {
		if (out->n)
			buf_add_char(out, ' ');
		add_text(out, key);
		buf_add_char(out, '=');
		add_text(out, value);
	}
	/* The end stays the end. */
	int again = rc == 0 ? store_next(it, &key, &value) : rc;
	assert_true(again == 0 || is_passing(again));
	store_iter_end(&it);
	assert_null(it);
	store_end(&r);
	assert_null(r);
	return rc;
}

char *list(struct store *s, struct store_scope scope, struct str from, struct str to, bool reverse)
{
	for (int i = 0; i < TRIES_MAX; i++) {
		struct buf b = BUF_INIT(0);
		int rc = list_once(s, scope, from, to, reverse, &b);
		if (rc == 0) {
			buf_add_char(&b, '\0');
			assert_false(b.failed);
			char *p;
			size_t n;
			buf_take(&b, &p, &n);
			return p;
		}
		assert_true(is_passing(rc));
		buf_fini(&b);
	}
	fail_msg("a range that can never be read");
	return NULL;
}

static void turn_words(const char *in, char *out)
{
	size_t n = strlen(in);
	for (const char *end = in + n; end > in;) {
		const char *start = end;
		while (start > in && start[-1] != ' ')
			start--;
		memcpy(out, start, (size_t)(end - start));
		out += end - start;
		if (start > in)
			*out++ = ' ';
		end = start > in ? start - 1 : in;
	}
	*out = '\0';
}

void assert_list(struct store *s, struct store_scope scope, struct str from, struct str to, const char *expected)
{
	char *got = list(s, scope, from, to, false);
	assert_string_equal(got, expected);
	free(got);
	char *turned = malloc(strlen(expected) + 1);
	assert_non_null(turned);
	turn_words(expected, turned);
	got = list(s, scope, from, to, true);
	assert_string_equal(got, turned);
	free(got);
	free(turned);
}

store_blob_id blob_put(struct store *s, struct str bytes, const store_tag *tags, size_t n_tags)
{
	store_blob_id id = 0;
	int rc = ERR_RETRY;
	for (int i = 0; i < TRIES_MAX && is_passing(rc); i++)
		rc = store_blob_put(s, &bytes, 1, tags, n_tags, &id);
	assert_int_equal(rc, 0);
	assert_true(id != 0);
	return id;
}

int blob_map(struct store *s, store_blob_id id, struct store_blob_view *out)
{
	int rc = ERR_RETRY;
	for (int i = 0; i < TRIES_MAX && is_passing(rc); i++)
		rc = store_blob_map(s, id, out);
	return rc;
}

void assert_str(struct str got, struct str expected)
{
	assert_int_equal(got.n, expected.n);
	if (got.n)
		assert_memory_equal(got.p, expected.p, got.n);
}

static void print_line(void *arg, const char *line)
{
	(void)arg;
	print_message("%s\n", line);
}

void assert_sound(struct store *s)
{
	uint64_t faults;
	assert_int_equal(store_check(s, false, print_line, NULL, &faults), 0);
	assert_int_equal(faults, 0);
}

void assert_blob(struct store *s, store_blob_id id, struct str bytes)
{
	struct store_blob_view v;
	assert_int_equal(blob_map(s, id, &v), 0);
	assert_str(v.bytes, bytes);
	store_blob_unmap(s, &v);
	assert_null(v.handle);
}
