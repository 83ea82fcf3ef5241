#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "search/words.h"

#define DONG "\xe6\x9d\xb1"
#define JING "\xe4\xba\xac"
#define DU "\xe9\x83\xbd"

static void test_terms(void **state)
{
	(void)state;
	static const struct { const char *text, *terms; } cases[] = {
		{ "", "" }, { "!? ,", "" }, { "one two,three", "one|two|three|" }, { "ann@example.org: it's 1.5-2_x", "ann@example.org|it's|1.5-2_x|" },
		{ "caf\xc3\xa9 e\xcc\x81t\xc3\xa9", "caf\xc3\xa9|e\xcc\x81t\xc3\xa9|" }, { "\xd0\xb5\xd0\xb6\xe2\x80\x94\xd0\xb6", "\xd0\xb5\xd0\xb6|\xd0\xb6|" },
		{ DONG, DONG "|" }, { DONG JING, DONG JING "|" }, { "a" DONG JING DU "b", "a|" DONG JING "|" JING DU "|b|" },
		{ "\xef\xbf\xbdx\xef\xbf\xbd", "x|" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct words w = words_of(str_from_c(cases[i].text));
		struct buf out = BUF_INIT(0);
		struct str term;
		while (words_next(&w, &term)) {
			buf_add_str(&out, term);
			buf_add_char(&out, '|');
			assert_false(w.cut);
		}
		if (!str_eq(buf_str(&out), str_from_c(cases[i].terms)))
			fail_msg("%s: %.*s", cases[i].text, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

/* Windows: each no longer than TERM_MAX; what is not longer than TERM_SURE stands in one of them; the last one ends with the run. */
static void test_windows(void **state)
{
	(void)state;
	char run[300];
	for (size_t n = TERM_MAX; n <= sizeof run; n++) {
		for (size_t i = 0; i < n; i++)
			run[i] = (char)('a' + (i * 7 + i / 26) % 26);
		struct words w = words_of(str_make(run, n));
		struct str term, last = STR_NONE;
		while (words_next(&w, &term)) {
			assert_true(term.n <= TERM_MAX && w.cut == (n > TERM_MAX));
			if (last.p)
				assert_true(term.p > last.p && term.p + TERM_SURE <= last.p + last.n);
			last = term;
		}
		assert_ptr_equal(last.p + last.n, run + n);
		assert_int_equal(last.n, TERM_MAX);
	}
}

static void test_patterns(void **state)
{
	(void)state;
	static const char kinds[] = { [PIECE_WHOLE] = '=', [PIECE_PREFIX] = '<', [PIECE_SUFFIX] = '>', [PIECE_INFIX] = '~' };
	static const struct { const char *pattern, *pieces; bool exact; } cases[] = {
		{ "", "", false }, { " - ", "=-", false }, { "!!", "", false }, { "word", "~word", true }, { "ab cd", ">ab<cd", false },
		{ "ab cd ef", ">ab=cd<ef", false }, { " ab", "<ab", false }, { "ab.", "~ab.", true }, { "ab, ", ">ab", false }, { " ab ", "=ab", false },
		{ DONG, "~" DONG, true }, { DONG JING, "=" DONG JING, true }, { DONG JING DU, "=" DONG JING "=" JING DU, false },
		{ "a" DONG, ">a<" DONG, false }, { DONG "a", ">" DONG "<a", false }, { "a" DONG "b", ">a=" DONG "<b", false },
		{ "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee", "~aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd~eeeeeeeeee", false },
		{ "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee x", ">bbbbbbbbbbccccccccccddddddddddeeeeeeeeee<x", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pattern p;
		struct buf out = BUF_INIT(0);
		bool any = pattern_split(str_from_c(cases[i].pattern), &p);
		assert_int_equal(any, cases[i].pieces[0] != '\0');
		for (size_t k = 0; k < p.n; k++)
			buf_printf(&out, "%c%.*s", kinds[p.piece[k].kind], STR_ARG(p.piece[k].text));
		if (!str_eq(buf_str(&out), str_from_c(cases[i].pieces)) || p.exact != cases[i].exact)
			fail_msg("%s: %.*s", cases[i].pattern, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_terms), cmocka_unit_test(test_windows), cmocka_unit_test(test_patterns) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
