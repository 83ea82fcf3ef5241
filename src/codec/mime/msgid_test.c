/* RFC 5322 3.6.4, 4.5.4 and appendix A; RFC 5256 on comparing ids. */
#include "codec/mime/msgid.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "codec/mime/limits.h"

static const struct {
	const char *body, *ids;
} table[] = {
	{ "", "" },
	{ " <1234@local.machine.example>", "[1234@local.machine.example]" },
	{ " <1234@local.machine.example>\r\n <3456@example.net>", "[1234@local.machine.example][3456@example.net]" },
	{ "<a@b><c@d>", "[a@b][c@d]" },
	{ "<a@b> <a@b>", "[a@b][a@b]" },
	/* A.6.3 */
	{ " <1234   @   local(blah)  .machine .example>", "[1234@local.machine.example]" },
	/* RFC 5256: <"01KF8JCEOCBS0045PS"@xxx.yyy.com> and <01KF8JCEOCBS0045PS@xxx.yyy.com> are the same */
	{ "<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>", "[01KF8JCEOCBS0045PS@xxx.yyy.com]" },
	{ "<\"a b\"@c>", "[\"a b\"@c]" },
	{ "<\"a>b\"@c>", "[\"a>b\"@c]" },
	{ "<a@[192.0.2.1]>", "[a@[192.0.2.1]]" },
	/* 4.5.4: phrases around them */
	{ "Your message of \"Mon, <x@y>\" (<c@d>) <a@b> yes", "[a@b]" },
	{ "<a@b", "" },
	{ "<a@b <c@d>", "[c@d]" },
	{ "<>", "" },
	{ "a@b", "" },
	{ "<left-only>", "[left-only]" },
	{ "(<a@b> <c@d>", "[a@b][c@d]" },
	{ "\"<a@b> <c@d>", "[a@b][c@d]" },
};

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena arena = ARENA_INIT(0);
		struct buf got = BUF_INIT(0);
		struct str *ids;
		size_t count;
		assert_int_equal(mime_msgids_parse(str_from_c(table[i].body), &arena, &ids, &count), 0);
		for (size_t k = 0; k < count; k++)
			buf_printf(&got, "[%.*s]", STR_ARG(ids[k]));
		buf_add_char(&got, '\0');
		assert_string_equal(got.p, table[i].ids);
		buf_fini(&got);
		arena_fini(&arena);
	}
}

static void test_limits(void **state)
{
	(void)state;
	static const char *const hostile[] = { "<", "<a@b>", "(", "\"", "<(", "<\"" };
	struct arena arena = ARENA_INIT(0);
	struct buf body = BUF_INIT(0);
	struct str *ids;
	size_t count;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		buf_reset(&body);
		while (body.n < MIME_FIELD_MAX)
			buf_add_c(&body, hostile[i]);
		assert_int_equal(mime_msgids_parse(buf_str(&body), &arena, &ids, &count), 0);
		assert_int_equal(count, i == 1 ? MIME_MSGIDS_MAX : 0);
	}
	buf_fini(&body);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
