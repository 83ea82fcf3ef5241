#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "codec/imap/seqset.h"

static const struct {
	const char *in;
	uint32_t largest;
	const char *uids;        /* NULL: not a set */
	const char *numbers;     /* NULL: over the largest */
} cases[] = {
	{ "1", 5, "1", "1" },
	/* RFC 3501 9: 2,4:7,9,12:* of 15 messages; *:4,5:7 of 10. */
	{ "2,4:7,9,12:*", 15, "2,4:7,9,12:15", "2,4:7,9,12:15" },
	{ "*:4,5:7", 10, "4:10", "4:10" },
	{ "2:4", 3, "2:4", NULL },
	{ "4:2", 4, "2:4", "2:4" },
	{ "*", 7, "7", "7" },
	{ "*:*", 7, "7", "7" },
	/* RFC 3501 6.4.8: a range with "*" always has the largest UID, even if the other end is over it. */
	{ "559:*", 500, "500:559", NULL },
	{ "*", 0, "", NULL },
	{ "1:*", 0, "1", NULL },
	{ "4294967295", UINT32_MAX, "4294967295", "4294967295" },
	{ "9,1,5,3,7,3:5", 9, "1,3:5,7,9", "1,3:5,7,9" },
	{ "0", 5, NULL, NULL }, { "1:0", 5, NULL, NULL }, { "", 5, NULL, NULL }, { "1,", 5, NULL, NULL }, { "1:", 5, NULL, NULL },
	{ ":1", 5, NULL, NULL }, { "1::2", 5, NULL, NULL }, { "4294967296", 5, NULL, NULL }, { "a", 5, NULL, NULL },
	{ "1 2", 5, NULL, NULL }, { "1:2:3", 5, NULL, NULL }, { "01", 5, NULL, NULL }, { "**", 5, NULL, NULL },
};

static void check_resolved(const char *in, const char *expected, int err, struct rangeset *set)
{
	struct buf b = BUF_INIT(0);
	rangeset_format(set, &b);
	if (err != (expected ? 0 : ERR_INVALID))
		fail_msg("%s: %d", in, err);
	if (expected && !str_eq(buf_str(&b), str_from_c(expected)))
		fail_msg("%s: %.*s", in, STR_ARG(buf_str(&b)));
	buf_fini(&b);
	rangeset_fini(set);
}

static void test_sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_seqset s;
		imap_cursor_init(&c, str_from_c(cases[i].in), &a, false);
		bool ok = imap_seqset(&c, &s) && imap_end(&c);
		if (ok != (cases[i].uids != NULL))
			fail_msg("%s: %s", cases[i].in, ok ? "accepted" : c.error);
		if (ok) {
			struct rangeset set = RANGESET_INIT;
			check_resolved(cases[i].in, cases[i].uids, imap_seqset_uids(&s, cases[i].largest, &set), &set);
			check_resolved(cases[i].in, cases[i].numbers, imap_seqset_numbers(&s, cases[i].largest, &set), &set);
		}
		arena_fini(&a);
	}
}

static void test_saved(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct imap_cursor c;
	struct imap_seqset s;
	struct rangeset set = RANGESET_INIT;
	imap_cursor_init(&c, STR("$"), &a, false);
	assert_true(imap_seqset(&c, &s) && imap_end(&c) && s.saved);
	assert_int_equal(imap_seqset_uids(&s, 5, &set), ERR_UNSUPPORTED);
	assert_int_equal(imap_seqset_numbers(&s, 5, &set), ERR_UNSUPPORTED);
	arena_fini(&a);
}

static void test_many(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);
	for (unsigned i = IMAP_SEQSET_RANGES_MAX; i > 0; i--)
		buf_printf(&b, "%u%s", 2 * i, i > 1 ? "," : "");
	struct arena a = ARENA_INIT(0);
	struct imap_cursor c;
	struct imap_seqset s;
	struct rangeset set = RANGESET_INIT;
	imap_cursor_init(&c, buf_str(&b), &a, false);
	assert_true(imap_seqset(&c, &s));
	assert_int_equal(imap_seqset_uids(&s, 5, &set), 0);
	assert_int_equal(set.n, IMAP_SEQSET_RANGES_MAX);
	buf_add_lit(&b, ",1");
	imap_cursor_init(&c, buf_str(&b), &a, false);
	assert_false(imap_seqset(&c, &s));
	rangeset_fini(&set);
	arena_fini(&a);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets), cmocka_unit_test(test_saved), cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
