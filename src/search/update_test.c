/* Keeping up: little by little is the same as at once; threads, damage, deletion. */
#include "search/fixture.h"

#include "base/clock.h"
#include "search/limits.h"
#include "search/shelf.h"

#include <fcntl.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void emails_came(void *search, uint64_t account) { search_hint(search, account); }

static void add_many(struct fixture *f, unsigned n, const char *word)
{
	char body[64];
	for (unsigned i = 0; i < n; i++) {
		snprintf(body, sizeof body, "%s number %zu%s\r\n", word, f->n, f->n % 10 ? "" : " tenth");
		fixture_add_text(f, "x", str_from_c(body));
	}
}

/* How many of them have to be read for a word that is in one of ten. */
static size_t reads(struct fixture *f)
{
	size_t read;
	assert_int_equal(fixture_ask(f, SEARCH_BODY, STR("tenth"), &read), (f->n + 9) / 10);
	return read;
}

static void wait_until_indexed(struct fixture *f)
{
	uint64_t began = clock_mono_ms();
	while (reads(f)) {
		assert_in_range(clock_mono_ms() - began, 0, 60000);
		poll(NULL, 0, 20);
	}
}

/* One at a time: chunks stay few, and answers right. */
static void test_little_by_little(void **state)
{
	(void)state;
	struct fixture f;
	fixture_begin(&f, 0, "");
	for (int i = 0; i < 150; i++) {
		add_many(&f, i % 50 ? 1 : 30, "word");
		fixture_update(&f);
		if (i % 10 == 0)
			assert_int_equal(reads(&f), 0);
	}
	assert_int_equal(reads(&f), 0);
	struct search_status s;
	assert_int_equal(search_status(f.search, FIXTURE_ACCOUNT, &s, NULL), 0);
	assert_int_equal(s.emails, f.n);
	assert_int_equal(s.behind, 0);
	add_many(&f, 7, "more");
	assert_int_equal(search_status(f.search, FIXTURE_ACCOUNT, &s, NULL), 0);
	assert_int_equal(s.behind, 7);
	assert_int_equal(reads(&f), 7);
	/* Anew gives the same. */
	assert_int_equal(search_update(f.search, FIXTURE_ACCOUNT, true, NULL), 0);
	assert_int_equal(reads(&f), 0);
	fixture_end(&f);
}

/* A whole chunk and more: batches, merges up to the ceiling, and what is left alone then. */
static void test_many(void **state)
{
	(void)state;
	struct fixture f;
	fixture_begin(&f, 0, "");
	add_many(&f, BATCH_EMAILS_MAX + 100, "word");
	fixture_update(&f);
	assert_int_equal(reads(&f), 0);
	fixture_end(&f);
}

static void test_background(void **state)
{
	(void)state;
	struct fixture f;
	fixture_begin(&f, 0, "");
	add_many(&f, 20, "before");
	/* What came before is found by the sweep at the start, what comes now by hints. */
	fixture_reopen(&f, 2, "");
	model_on_emails(f.model, emails_came, f.search);
	wait_until_indexed(&f);
	for (int i = 0; i < 5; i++) {
		add_many(&f, 3, "now");
		wait_until_indexed(&f);
	}
	model_on_emails(f.model, NULL, NULL);
	fixture_end(&f);
}

/* Damage of any page: never a wrong answer; and then it is made anew, by itself. */
static void test_damage(void **state)
{
	(void)state;
	struct fixture f;
	fixture_begin(&f, 0, "");
	add_many(&f, 300, "word");
	fixture_update(&f);
	struct stat st;
	const char *path = fixture_path(&f);
	assert_int_equal(stat(path, &st), 0);
	for (off_t at = 0; at < st.st_size; at += 8192) {
		fixture_reopen(&f, 0, "");
		fixture_update(&f);
		assert_int_equal(reads(&f), 0);
		search_close(&f.search);
		int fd = open(path, O_WRONLY | O_CLOEXEC);
		char junk[900];
		for (size_t i = 0; i < sizeof junk; i++)
			junk[i] = (char)(i * 31 + (size_t)at / 8192);
		/* Somewhere in the page: cells stand at its end. */
		assert_int_equal(pwrite(fd, junk, sizeof junk, at + (at / 8192 % 2 ? 8192 - 900 : 0)), sizeof junk);
		close(fd);
		struct search_config c = { .dir = str_from_c(f.dir), .threads = 1 };
		assert_int_equal(search_open(f.model, &c, &f.search, NULL), 0);
		/* fixture_ask asserts that nothing wrong is said. */
		fixture_ask(&f, SEARCH_BODY, STR("tenth"), NULL);
		fixture_ask(&f, SEARCH_TEXT, STR("word number 2"), NULL);
		fixture_ask(&f, SEARCH_BODY, STR("e"), NULL);
		wait_until_indexed(&f);
		assert_int_equal(stat(path, &st), 0);
	}
	fixture_end(&f);
}

static void test_gone(void **state)
{
	(void)state;
	struct fixture f;
	struct stat st;
	fixture_begin(&f, 0, "");
	/* Nothing to index: no file. */
	fixture_update(&f);
	assert_int_not_equal(stat(fixture_path(&f), &st), 0);
	add_many(&f, DEAD_EMAILS_MIN + 200, "word");
	fixture_update(&f);
	assert_int_equal(stat(fixture_path(&f), &st), 0);
	/* Most of it is deleted: the index forgets that. */
	struct rangeset uids = RANGESET_INIT;
	assert_int_equal(rangeset_add(&uids, 1, DEAD_EMAILS_MIN + 150), 0);
	assert_int_equal(mailbox_expunge(f.account, 1, &uids, false, NULL, NULL), 0);
	rangeset_fini(&uids);
	fixture_update(&f);
	struct search_status s;
	assert_int_equal(search_status(f.search, FIXTURE_ACCOUNT, &s, NULL), 0);
	assert_int_equal(s.emails, 50);
	/* The account is deleted: its index goes with it. */
	account_close(&f.account);
	assert_int_equal(account_delete(f.model, FIXTURE_ACCOUNT), 0);
	assert_int_equal(search_update(f.search, FIXTURE_ACCOUNT, false, NULL), ERR_NOT_FOUND);
	assert_int_not_equal(stat(fixture_path(&f), &st), 0);
	assert_int_equal(account_create(f.model, FIXTURE_ACCOUNT), 0);
	assert_int_equal(account_open(f.model, FIXTURE_ACCOUNT, &f.account), 0);
	fixture_end(&f);
}

/* The store came back from a backup, the index did not: its ids are those of other emails now. */
static void test_ahead(void **state)
{
	(void)state;
	struct fixture f;
	sqlite3 *db;
	fixture_begin(&f, 0, "");
	add_many(&f, 20, "word");
	fixture_update(&f);
	assert_int_equal(reads(&f), 0);
	assert_int_equal(sqlite3_open(fixture_path(&f), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE state SET known_below = 1000", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	add_many(&f, 1, "new");
	fixture_update(&f);
	assert_int_equal(fixture_ask(&f, SEARCH_BODY, STR("new"), NULL), 1);
	assert_int_equal(reads(&f), 0);
	fixture_end(&f);
}

/* Too many terms, too much text: the email is read at every search, and found. */
static void test_unread(void **state)
{
	(void)state;
	struct fixture f;
	struct buf b = BUF_INIT(0);
	size_t read;
	fixture_begin(&f, 0, "");
	add_many(&f, 3, "word");
	for (unsigned i = 0; i <= EMAIL_TERMS_MAX; i++)
		buf_printf(&b, "%x%s", i, i % 10 ? " " : "\r\n");
	fixture_add_text(&f, "huge", buf_str(&b));
	add_many(&f, 3, "word");
	/* Too much text, likewise, though it be one word. */
	buf_reset(&b);
	while (b.n <= EMAIL_TEXT_MAX)
		buf_add_lit(&b, "ham ham ham ham ham ham ham ham\r\n");
	fixture_add_text(&f, "endless", buf_str(&b));
	fixture_update(&f);
	assert_int_equal(fixture_ask(&f, SEARCH_BODY, STR("30d3f"), &read), 1);
	assert_int_equal(read, 2);
	assert_int_equal(fixture_ask(&f, SEARCH_BODY, STR("word"), &read), 6);
	assert_int_equal(read, 2);
	struct search_status s;
	assert_int_equal(search_status(f.search, FIXTURE_ACCOUNT, &s, NULL), 0);
	assert_int_equal(s.unread, 2);
	buf_fini(&b);
	fixture_end(&f);
}

/* A long statement ends when it should stop, and what it did is gone; search_wait tells when the threads have ended. */
static void test_stop(void **state)
{
	(void)state;
	struct fixture f;
	struct shelf *shelf;
	_Atomic bool stop = false;
	uint64_t *unread;
	size_t n;
	fixture_begin(&f, 1, "");
	assert_int_equal(shelf_open(fixture_path(&f), true, &shelf, NULL), 0);
	shelf_stop_when(shelf, &stop);
	assert_int_equal(shelf_begin(shelf, true), 0);
	for (uint64_t id = 1; id <= 5000; id++)
		assert_int_equal(shelf_put_unread(shelf, id), 0);
	assert_int_equal(shelf_unread(shelf, &unread, &n), 0);
	assert_int_equal(n, 5000);
	free(unread);
	stop = true;
	assert_int_equal(shelf_unread(shelf, &unread, &n), ERR_CLOSED);
	shelf_rollback(shelf);
	stop = false;
	assert_int_equal(shelf_unread(shelf, &unread, &n), 0);
	assert_int_equal(n, 0);
	free(unread);
	shelf_close(&shelf);
	assert_true(search_wait(NULL, 0));
	assert_false(search_wait(f.search, 1));
	search_stop(f.search);
	assert_true(search_wait(f.search, 100000));
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_little_by_little), cmocka_unit_test(test_many), cmocka_unit_test(test_background), cmocka_unit_test(test_damage),
		cmocka_unit_test(test_gone), cmocka_unit_test(test_ahead), cmocka_unit_test(test_unread), cmocka_unit_test(test_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
