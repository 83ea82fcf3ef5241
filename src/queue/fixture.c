#include "queue/fixture.h"

#include "base/buf.h"
#include "base/clock.h"

#include <dirent.h>
#include <unistd.h>

__attribute__((weak)) const struct store_fault_plan *fixture_faults(void) { return NULL; }

bool fixture_again(int rc) { return fixture_faults() && err_class(rc) == ERR_CLASS_TEMPORARY && rc != ERR_TIMEOUT; }

/* ---- the store ---- */

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

struct queue *fixture_open(struct fixture *f)
{
	struct queue *q;
	FIXTURE_OK(queue_open(f->store, &f->config, &q, NULL));
	q->no_clerk = true;
	return q;
}

static void open_queues(struct fixture *f)
{
	f->queue = fixture_open(f);
	assert_int_equal(queue_open(f->plain, &f->config, &f->plain_queue, NULL), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->engine = (enum store_engine)(uintptr_t)*state;
	memcpy(f->dir, "/tmp/troika-queue-XXXXXX", 25);
	assert_non_null(mkdtemp(f->dir));
	arena_init(&f->arena, 0);
	open_store(f, true);
	f->config = (struct queue_config){ .retry_first_s = 100, .retry_max_s = 1000, .expire_s = 10000, .expire_null_s = 5000, .warn_s = 3000 };
	open_queues(f);
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
	queue_close(&f->queue);
	queue_close(&f->plain_queue);
	store_close(&f->store);
	clock_shift_ms(-f->shifted_ms);
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
	queue_close(&f->queue);
	queue_close(&f->plain_queue);
	if (f->engine == STORE_ENGINE_LMDB) {
		store_close(&f->store);
		open_store(f, false);
	}
	open_queues(f);
}

void fixture_forward(struct fixture *f, int64_t seconds)
{
	f->shifted_ms += seconds * 1000;
	clock_shift_ms(seconds * 1000);
	fixture_tick(f);
}

static bool clock_is_behind(struct fixture *f)
{
	bool behind = false;
	for (unsigned i = 0; i < QUEUE_SHARDS; i++) {
		struct key from = queue_key_first(KEY_TIME), to = key_time(clock_now() + 1, 0);
		struct store_read *r;
		struct store_iter *it;
		struct str key, value;
		assert_int_equal(store_begin(f->plain, queue_scope(i), &r), 0);
		assert_int_equal(store_range(r, key_str(&from), key_str(&to), false, &it), 0);
		behind = behind || store_next(it, &key, &value) == 1;
		store_end(&r);
	}
	return behind;
}

/* With faults a round may not do all. */
void fixture_tick(struct fixture *f)
{
	queue_tick(f->queue);
	for (unsigned i = 0; fixture_faults() && i < 1000 && (i < 20 || clock_is_behind(f)); i++)
		queue_tick(f->queue);
}

/* ---- messages ---- */

static unsigned parse_notify(struct str s)
{
	static const struct { struct str word; unsigned bit; } words[] = {
		{ STR_INIT("never"), QUEUE_NOTIFY_NEVER }, { STR_INIT("success"), QUEUE_NOTIFY_SUCCESS },
		{ STR_INIT("failure"), QUEUE_NOTIFY_FAILURE }, { STR_INIT("delay"), QUEUE_NOTIFY_DELAY },
	};
	unsigned bits = 0;
	for (size_t i = 0; i < 4; i++)
		if (str_find(s, words[i].word) != STR_NPOS)
			bits |= words[i].bit;
	return bits;
}

static struct queue_recipient parse_recipient(struct str word)
{
	struct queue_recipient r = { .address = word };
	struct str notify, local;
	if (str_cut(word, '=', &r.address, &notify))
		r.notify = parse_notify(notify);
	str_cut(r.address, '@', &local, &r.destination);
	if (str_eq(r.destination, STR("example.org")))
		r.destination = STR(QUEUE_LOCAL);
	return r;
}

struct queue_submission fixture_message(struct fixture *f, const char *text)
{
	static const struct str body = STR_INIT("Subject: test\r\n\r\nHello.\r\n");
	struct queue_recipient *r = arena_array(&f->arena, strlen(text) / 2 + 1, sizeof(*r));
	struct queue_submission s = { .pieces = &body, .n_pieces = 1, .recipients = r };
	struct str rest = str_from_c(text), word;
	str_cut(rest, '>', &s.envelope.sender, &rest);
	s.envelope.sender = str_trim(s.envelope.sender);
	for (bool more = true; more;) {
		more = str_cut(str_trim(rest), ' ', &word, &rest);
		if (word.n)
			r[s.n_recipients++] = parse_recipient(word);
	}
	return s;
}

uint64_t fixture_submit(struct fixture *f, const char *text)
{
	struct queue_submission s = fixture_message(f, text);
	uint64_t id = 0;
	FIXTURE_OK(queue_submit(f->queue, &s, &id, NULL));
	assert_true(id > 0);
	return id;
}

/* ---- jobs ---- */

struct queue_job *fixture_take_of(struct fixture *f, const char *destination)
{
	struct queue_job *j = NULL;
	/* what fails is tried again a little later */
	for (unsigned i = 0; !j && i < (fixture_faults() ? 8u : 1u); i++) {
		int rc = queue_take(f->queue, 0, str_from_c(destination), destination != NULL, &j);
		assert_true(rc == 0 || rc == ERR_TIMEOUT);
		if (rc && fixture_faults()) {
			f->shifted_ms += 1100;
			clock_shift_ms(1100);
			fixture_tick(f);
		}
	}
	return j;
}

struct queue_job *fixture_take(struct fixture *f) { return fixture_take_of(f, NULL); }

void fixture_finish(struct fixture *f, struct queue_job *j, int outcome)
{
	for (size_t i = 0; i < j->n_recipients; i++)
		j->recipients[i].result = (struct queue_result){ .outcome = outcome, .status = outcome == QUEUE_FAILED ? STR("5.1.1") : STR("4.2.0"),
			.reply = STR("what the peer said"), .remote = STR("mx.example.net") };
	int rc = queue_finish(f->queue, &j);
	if (fixture_faults())
		fixture_tick(f);
	else
		assert_int_equal(rc, 0);
}

static const char *event_names(unsigned events)
{
	return events == QUEUE_DELAYED ? "delayed" : events == QUEUE_FAILED ? "failed" : events == QUEUE_DELIVERED ? "delivered" :
		   events == QUEUE_RELAYED ? "relayed" : events == QUEUE_EXPANDED ? "expanded" : "?";
}

const char *fixture_show(struct fixture *f, const struct queue_job *j)
{
	struct buf b = BUF_INIT(0);
	buf_printf(&b, "%s:", j->kind == QUEUE_NOTICE ? "notice" : (const char *)arena_dup_c(&f->arena, j->destination));
	for (size_t i = 0; i < j->n_recipients; i++) {
		buf_add_char(&b, ' ');
		buf_add_str(&b, j->recipients[i].r.address);
		if (j->recipients[i].owed)
			buf_printf(&b, "=%s", event_names(j->recipients[i].owed));
	}
	const char *text = arena_dup_c(&f->arena, buf_str(&b));
	buf_fini(&b);
	return text;
}

void fixture_expect(struct fixture *f, const char *shown, int outcome)
{
	struct queue_job *j = fixture_take(f);
	assert_non_null(j);
	assert_string_equal(fixture_show(f, j), shown);
	fixture_finish(f, j, outcome);
}

void fixture_expect_nothing(struct fixture *f)
{
	struct queue_job *j = fixture_take(f);
	if (j)
		fail_msg("unexpected %s", fixture_show(f, j));
}

void fixture_expect_notice(struct fixture *f, const char *shown)
{
	int rc = 0;
	do {
		struct queue_job *j = fixture_take(f);
		assert_non_null(j);
		assert_int_equal(j->kind, QUEUE_NOTICE);
		assert_string_equal(fixture_show(f, j), shown);
		rc = queue_finish_notice(f->queue, &j, NULL);
		assert_null(j);
	} while (fixture_again(rc));
	assert_int_equal(rc, 0);
}

/* ---- what is there ---- */

struct queue_stats fixture_stats(struct fixture *f)
{
	struct queue_stats s;
	FIXTURE_OK(queue_stats(f->queue, &s));
	return s;
}

static int count_blob(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	(void)id, (void)size, (void)tag;
	++*(unsigned *)arg;
	return 0;
}

unsigned fixture_blobs(struct fixture *f)
{
	unsigned n = 0;
	for (unsigned i = 0; i < QUEUE_SHARDS; i++)
		assert_int_equal(store_blob_visit(f->plain, queue_tag(i), count_blob, &n), 0);
	return n;
}

void fixture_empty(struct fixture *f)
{
	fixture_forward(f, 2);
	struct queue_stats s = fixture_stats(f);
	assert_int_equal(s.messages + s.recipients + s.bytes + s.held + s.owed, 0);
	for (unsigned i = 0; i < QUEUE_SHARDS; i++) {
		struct store_read *r;
		struct store_iter *it;
		struct str key, value;
		assert_int_equal(store_begin(f->plain, queue_scope(i), &r), 0);
		assert_int_equal(store_range(r, STR_NONE, STR_NONE, false, &it), 0);
		while (store_next(it, &key, &value) == 1)
			if (key.p[0] != KEY_SHARD && key.p[0] != KEY_DESTINATION)
				fail_msg("a key of kind %c is left in shard %u", key.p[0], i);
		store_end(&r);
	}
	assert_int_equal(fixture_blobs(f), 0);
}
