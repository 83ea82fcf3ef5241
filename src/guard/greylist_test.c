/* RFC 6647 section 4 and 5. */
#include "guard/greylist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define DAY ((int64_t)86400)

static const struct greylist_times times = { .delay_s = 300, .window_s = 2 * (uint32_t)DAY, .life_s = 36 * (uint32_t)DAY, .known_after = 3 };

static void test_triplet(void **state)
{
	static const struct { int64_t now; uint64_t triplet; uint32_t wait; } table[] = {
		{ 1000000, 11, 300 },                    /* never seen */
		{ 1000010, 11, 290 },                    /* too early: it need not wait anew */
		{ 1000299, 11, 1 },
		{ 1000300, 11, 0 },
		{ 1000301, 11, 0 },                      /* known from now on */
		{ 1000301, 12, 300 },                    /* another triplet is not */
		{ 1000300 + 36 * DAY, 11, 0 },           /* known as long as it keeps coming */
		{ 1000300 + 72 * DAY, 11, 0 },
		{ 1000300 + 108 * DAY + 2, 11, 300 },    /* gone for too long */
		{ 1000301 + 2 * DAY + 1, 12, 300 },      /* came back too late: as if new */
		{ 1000301 + 2 * DAY + 301, 12, 0 },
		{ 500000, 13, 300 }, { 400000, 13, 300 },       /* the clock was set back: the delay begins anew */
		{ 400300, 13, 0 },
	};
	struct ledger *l;
	struct greylist_times t = times;

	(void)state;
	t.known_after = 0;
	assert_int_equal(ledger_open(NULL, 'g', 16, &l), 0);
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		assert_int_equal(greylist_ask(l, &t, 1, table[i].triplet, table[i].now), table[i].wait);
	ledger_close(&l);
}

static void test_network(void **state)
{
	struct ledger *l;
	int64_t now = 1000000;

	(void)state;
	assert_int_equal(ledger_open(NULL, 'g', 16, &l), 0);
	for (uint64_t triplet = 100; triplet < 103; triplet++) {
		assert_int_equal(greylist_ask(l, &times, 1, triplet, now), 300);
		assert_int_equal(greylist_ask(l, &times, 1, triplet, now + 400), 0);
		assert_int_equal(greylist_ask(l, &times, 1, triplet, now + 500), 0);       /* the same one counts once */
	}
	assert_int_equal(greylist_ask(l, &times, 1, 200, now + 500), 0);               /* the network is known */
	assert_int_equal(greylist_ask(l, &times, 2, 201, now + 500), 300);             /* another is not */
	assert_int_equal(greylist_ask(l, &times, 1, 202, now + 400 + 36 * DAY), 0);
	assert_int_equal(greylist_ask(l, &times, 1, 203, now + 400 + 73 * DAY), 300);  /* not for ever */
	ledger_close(&l);
}

static void test_sender(void **state)
{
	static const struct { const char *sender, *wanted; } table[] = {
		{ "Alice@Example.ORG", "alice@example.org" },
		{ "", "" },
		{ "list-return-1234-bob=example.org@lists.example", "list-return-#-bob=example.org@lists.example" },
		{ "b.12.34a5@x", "b.#.#a#@x" },
		{ "user+2026-01@x1.example", "user@x1.example" },
		{ "prvs=0123abcdef=user@x", "user@x" },
		{ "no-at", "no-at" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct buf b = BUF_INIT(0);
		greylist_sender(str_from_c(table[i].sender), &b);
		assert_true(str_eq(buf_str(&b), str_from_c(table[i].wanted)));
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_triplet), cmocka_unit_test(test_network), cmocka_unit_test(test_sender) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
