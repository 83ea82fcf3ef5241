/* What a session holds: the lock, a snapshot, marks, sizes; and that QUIT's deletion is all or nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "proto/pop3/maildrop.h"
#include "proto/pop3/world.h"

#define HEADER "From: a@example.net\r\nSubject: x\r\n\r\n"

static struct maildrop open_drop(struct world *w)
{
	struct maildrop d;
	assert_int_equal(maildrop_open(&d, w->well.model, w->account, 0), 0);
	return d;
}

static uint64_t size_at(struct maildrop *d, uint32_t index)
{
	struct message m = view_at(d->view, index);
	return maildrop_size(d, &m, index);
}

static void test_lock(void **state)
{
	struct world *w = *state;
	struct maildrop d, other;
	assert_int_equal(maildrop_open(&d, w->well.model, w->account + 1000, 0), ERR_NOT_FOUND);
	maildrop_close(&d);
	d = open_drop(w);
	assert_int_equal(maildrop_open(&other, w->well.model, w->account, 0), ERR_CONFLICT);
	maildrop_close(&other);
	assert_int_equal(maildrop_open(&other, w->well.model, w->account, 0), ERR_CONFLICT);
	maildrop_close(&d);
	maildrop_close(&d);
	other = open_drop(w);
	maildrop_close(&other);
}

/* RFC 2449 section 6.5; the clock is moved. */
static void test_login_delay(void **state)
{
	struct world *w = *state;
	struct maildrop d;
	assert_int_equal(maildrop_open(&d, w->well.model, w->account, 60), 0);
	maildrop_close(&d);
	clock_shift_ms(30000);
	assert_int_equal(maildrop_open(&d, w->well.model, w->account, 60), ERR_DENIED);
	/* being refused does not begin the time anew, and leaves no lock */
	clock_shift_ms(31000);
	assert_int_equal(maildrop_open(&d, w->well.model, w->account, 60), 0);
	maildrop_close(&d);
	assert_int_equal(maildrop_open(&d, w->well.model, w->account, 0), 0);
	maildrop_close(&d);
}

static void test_snapshot(void **state)
{
	struct world *w = *state;
	uint32_t first = world_append(w, STR(HEADER "one\r\n"));
	world_append(w, STR(HEADER "two\r\n"));
	struct maildrop d = open_drop(w);
	struct maildrop_message m;
	assert_int_equal(d.count, 2);
	world_append(w, STR(HEADER "three\r\n"));
	world_expunge(w, first);
	assert_int_equal(d.count, 2);
	assert_int_equal(maildrop_map(&d, 0, &m), ERR_NOT_FOUND);
	assert_int_equal(maildrop_map(&d, 1, &m), 0);
	assert_true(str_eq(m.blob.bytes, STR(HEADER "two\r\n")));
	maildrop_unmap(&d, &m);
	/* marking what is gone harms nobody */
	assert_int_equal(maildrop_mark(&d, 0), 0);
	assert_int_equal(maildrop_mark(&d, 1), 0);
	assert_int_equal(maildrop_update(&d), 0);
	maildrop_close(&d);
	assert_int_equal(world_count(w), 1);
}

static void test_marks(void **state)
{
	struct world *w = *state;
	for (int i = 0; i < 70; i++)
		world_append(w, STR(HEADER "body\r\n"));
	struct maildrop d = open_drop(w);
	assert_int_equal(maildrop_measure(&d), 0);
	uint64_t one = size_at(&d, 0);
	static const uint32_t some[] = { 0, 63, 64, 69 };
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 4; i++) {
			assert_false(maildrop_is_marked(&d, some[i]));
			assert_int_equal(maildrop_mark(&d, some[i]), 0);
			assert_int_equal(maildrop_mark(&d, some[i]), 0);
			assert_true(maildrop_is_marked(&d, some[i]));
			assert_int_equal(d.marked, i + 1);
		}
		assert_false(maildrop_is_marked(&d, 1));
		assert_int_equal(maildrop_unmarked_bytes(&d), 66 * one);
		if (round == 0)
			maildrop_unmark_all(&d);
	}
	assert_int_equal(maildrop_update(&d), 0);
	maildrop_close(&d);
	assert_int_equal(world_count(w), 66);
	d = open_drop(w);
	assert_int_equal(maildrop_mark(&d, 3), 0);
	maildrop_close(&d);                       /* no QUIT */
	assert_int_equal(world_count(w), 66);
	d = open_drop(w);
	assert_int_equal(maildrop_update(&d), 0);  /* nothing marked */
	maildrop_close(&d);
	assert_int_equal(world_count(w), 66);
}

static void test_update_fails(void **state)
{
	struct world *w = *state;
	struct maildrop d;
	world_append(w, STR(HEADER "one\r\n"));
	world_append(w, STR(HEADER "two\r\n"));
	assert_int_equal(maildrop_open(&d, w->ill.model, w->account, 0), 0);
	assert_int_equal(maildrop_mark(&d, 0), 0);
	assert_int_equal(maildrop_mark(&d, 1), 0);
	assert_int_equal(maildrop_update(&d), ERR_IO);
	maildrop_close(&d);
	assert_int_equal(world_count(w), 2);
}

/* More than one batch of summaries, with messages that lack their last CRLF where batches meet. */
static void test_sizes(void **state)
{
	struct world *w = *state;
	uint64_t sum = 0;
	for (uint32_t i = 0; i < 401; i++) {
		struct str message = STR(HEADER "end\r\n");
		if (i % 200 == 199)
			message = STR(HEADER "no end");
		else if (i % 50 == 0)
			message = STR(HEADER "LF\n");
		world_append(w, message);
		sum += message.n + (str_ends(message, STR("\r\n")) ? 0 : 2);
	}
	struct maildrop d = open_drop(w);
	assert_int_equal(maildrop_measure(&d), 0);
	assert_int_equal(d.bytes, sum);
	assert_int_equal(maildrop_unmarked_bytes(&d), sum);
	assert_int_equal(size_at(&d, 199), sizeof(HEADER "no end") - 1 + 2);
	assert_int_equal(size_at(&d, 50), sizeof(HEADER "LF\n") - 1 + 2);
	assert_int_equal(size_at(&d, 198), sizeof(HEADER "end\r\n") - 1);
	assert_int_equal(size_at(&d, 400), sizeof(HEADER "LF\n") - 1 + 2);
	assert_int_equal(maildrop_mark(&d, 399), 0);
	assert_int_equal(maildrop_unmarked_bytes(&d), sum - size_at(&d, 399));
	maildrop_close(&d);
}

#define UTF8_HOP "Received: from a.example\r\n\tby b.example with UTF8SMTPS id 1;\r\n\tx\r\n"

static void test_needs_utf8(void **state)
{
	struct world *w = *state;
	static const struct { struct str message; bool needs; } cases[] = {
		{ STR_INIT("Subject: plain\r\n\r\nbody\r\n"), false },
		{ STR_INIT(UTF8_HOP "Subject: na\xc3\xafve\r\n\r\nbody\r\n"), true },
		{ STR_INIT("Received: by a with utf8lmtp;\r\nSubject: na\xc3\xafve\r\n\r\nbody\r\n"), true },
		{ STR_INIT(UTF8_HOP "Subject: plain\r\n\r\nbody\r\n"), false },
		{ STR_INIT(UTF8_HOP "Subject: plain\r\n\r\nna\xc3\xafve body\r\n"), false },
		/* mistakes of mailers, not messages of RFC 6532 */
		{ STR_INIT("Received: by a with ESMTP;\r\nSubject: na\xc3\xafve\r\n\r\nwith UTF8SMTP\r\n"), false },
		{ STR_INIT("Subject: na\xefve\r\n\r\nbody\r\n"), false },
		{ STR_INIT("Subject: plain\r\n\r\nna\xc3\xafve body\r\n"), false },
	};
	struct maildrop_message m;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		world_append(w, cases[i].message);
	struct maildrop d = open_drop(w);
	for (uint32_t i = 0; i < d.count; i++) {
		assert_int_equal(maildrop_map(&d, i, &m), 0);
		assert_int_equal(m.needs_utf8, cases[i].needs);
		maildrop_unmap(&d, &m);
	}
	maildrop_close(&d);
}

static void unique_id(struct maildrop *d, uint32_t index, char out[17])
{
	struct buf b = BUF_INIT(0);
	struct message m = view_at(d->view, index);
	maildrop_unique_id(d, &m, &b);
	assert_int_equal(b.n, 16);
	assert_true(str_copy_c(out, 17, buf_str(&b)));
	buf_fini(&b);
}

static void test_unique_ids(void **state)
{
	struct world *w = *state;
	char one[17], two[17], again[17], three[17];
	world_append(w, STR(HEADER "same\r\n"));
	world_append(w, STR(HEADER "same\r\n"));
	struct maildrop d = open_drop(w);
	unique_id(&d, 0, one);
	unique_id(&d, 1, two);
	assert_string_not_equal(one, two);
	assert_int_equal(maildrop_mark(&d, 1), 0);
	assert_int_equal(maildrop_update(&d), 0);
	maildrop_close(&d);
	world_append(w, STR(HEADER "same\r\n"));
	d = open_drop(w);
	unique_id(&d, 0, again);
	unique_id(&d, 1, three);
	assert_string_equal(one, again);
	assert_string_not_equal(two, three);
	maildrop_close(&d);
}

#define TEST(fn) { #fn, fn, world_setup, world_teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lock),
		TEST(test_login_delay),
		TEST(test_snapshot),
		TEST(test_marks),
		TEST(test_update_fails),
		TEST(test_sizes),
		TEST(test_needs_utf8),
		TEST(test_unique_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
