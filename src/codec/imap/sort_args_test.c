#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/imap/sort_args.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_sort(void **state)
{
	(void)state;
	static const char *const good[] = {
		"(SUBJECT)", "(SUBJECT REVERSE DATE)", "(reverse arrival cc date displayfrom DisplayTo from relevancy size subject to)",
		"(DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE)",
	};
	static const char *const bad[] = {
		"", "()", "SUBJECT", "(SUBJECT", "(SUBJECT )", "( SUBJECT)", "(REVERSE)", "(REVERSE REVERSE DATE)", "(FOO)", "(SUBJECT  DATE)", "(BCC)",
		"(DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE DATE)",
	};
	for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
		struct arena a = ARENA_INIT(0);
		struct imap_cursor c;
		struct imap_sort s;
		const char *in = i < COUNT(good) ? good[i] : bad[i - COUNT(good)];
		imap_cursor_init(&c, str_from_c(in), &a, false);
		if ((imap_sort_args(&c, &s) && imap_end(&c)) != (i < COUNT(good)))
			fail_msg("%s", in);
		if (i == 1)
			assert_true(s.n == 2 && s.by[0].key == IMAP_SORT_SUBJECT && !s.by[0].reverse && s.by[1].key == IMAP_SORT_DATE && s.by[1].reverse);
		if (i < 3)
			assert_true(imap_sort_has(&s, IMAP_SORT_RELEVANCY) == (i == 2));
		arena_fini(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sort) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
