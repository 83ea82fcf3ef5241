/* RFC 6376 3.2. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "mailauth/dkim_tags.h"

static void test_lists(void **state)
{
	static const struct { const char *text; int n; const char *name, *value; } t[] = {
		{ "a=b", 1, "a", "b" },
		{ "a=b;", 1, "a", "b" },
		{ "a=b; ", 1, "a", "b" },
		{ " a =\r\n\tb c ; d_1 = e=f ", 2, "a", "b c" },
		{ "a=;b=c", 2, "a", "" },
		{ "b=Y;B=X", 2, "B", "X" },
		{ "n=\xc3\xa4", 1, "n", "\xc3\xa4" },
		{ "a=b\r\n\r\n c", 1, "a", "b\r\n\r\n c" },
		{ "", -1, NULL, NULL },
		{ ";", -1, NULL, NULL },
		{ "a", -1, NULL, NULL },
		{ "=b", -1, NULL, NULL },
		{ "a=b;;", -1, NULL, NULL },
		{ "a=b;;c=d", -1, NULL, NULL },
		{ "a=b;==;c=d", -1, NULL, NULL },
		{ "1a=b", -1, NULL, NULL },
		{ "a-b=c", -1, NULL, NULL },
		{ "a b=c", -1, NULL, NULL },
		{ "a=b; a=b", -1, NULL, NULL },
		{ "a=\x01", -1, NULL, NULL },
		{ "a=\x7f", -1, NULL, NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct dkim_tags tags;
		bool ok = dkim_tags_parse(str_from_c(t[i].text), &tags);
		if (ok != (t[i].n >= 0) || (ok && tags.n != (size_t)t[i].n))
			fail_msg("\"%s\"", t[i].text);
		const struct dkim_tag *tag = ok ? dkim_tags_find(&tags, str_from_c(t[i].name)) : NULL;
		if (ok && (!tag || !str_eq(tag->value, str_from_c(t[i].value))))
			fail_msg("\"%s\": value of %s", t[i].text, t[i].name);
	}
}

static void test_many(void **state)
{
	(void)state;
	struct dkim_tags tags;
	struct buf b = BUF_INIT(0);
	for (unsigned i = 0; i < DKIM_TAGS_MAX; i++)
		buf_printf(&b, "t%u=x;", i);
	assert_true(dkim_tags_parse(buf_str(&b), &tags));
	buf_add_lit(&b, "more=x;");
	assert_false(dkim_tags_parse(buf_str(&b), &tags));
	buf_fini(&b);
}

static void test_room(void **state)
{
	(void)state;
	struct dkim_tags tags;
	assert_true(dkim_tags_parse(STR("a=1; b= x\r\n y ;c=2; d= z "), &tags));
	assert_true(str_eq(dkim_tags_find(&tags, STR("b"))->room, STR(" x\r\n y ")));
	assert_true(str_eq(dkim_tags_find(&tags, STR("d"))->room, STR(" z ")));
}

static void test_elements(void **state)
{
	(void)state;
	struct str rest = STR("a : b::\r\n c:"), element;
	static const char *const wanted[] = { "a", "b", "", "c", "" };
	for (size_t i = 0; i < 5; i++) {
		assert_true(dkim_tags_element(&rest, &element));
		assert_true(str_eq(element, str_from_c(wanted[i])));
	}
	assert_false(dkim_tags_element(&rest, &element));
	assert_true(dkim_tags_has(STR("y:s"), STR("s")));
	assert_false(dkim_tags_has(STR("y:sx"), STR("s")));
	assert_false(dkim_tags_has(STR("Y"), STR("y")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists), cmocka_unit_test(test_many), cmocka_unit_test(test_room), cmocka_unit_test(test_elements),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
