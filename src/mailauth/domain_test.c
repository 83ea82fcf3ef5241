#include "mailauth/domain.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_within(void **state)
{
	(void)state;
	assert_true(domain_is_within(STR("Mail.Example.com"), STR("example.COM")));
	assert_true(domain_is_within(STR("example.com"), STR("example.com")));
	assert_false(domain_is_within(STR("mail.bad-example.com"), STR("example.com")));    /* RFC 7208 5.5 */
	assert_false(domain_is_within(STR("com"), STR("example.com")));
	assert_false(domain_is_within(STR("example.com"), STR("")));
}

static void test_labels(void **state)
{
	(void)state;
	assert_int_equal(domain_label_count(STR("")), 0);
	assert_int_equal(domain_label_count(STR("com")), 1);
	assert_int_equal(domain_label_count(STR("a.b.c")), 3);
	assert_true(str_eq(domain_last_labels(STR("a.b.c"), 1), STR("c")));
	assert_true(str_eq(domain_last_labels(STR("a.b.c"), 2), STR("b.c")));
	assert_true(str_eq(domain_last_labels(STR("a.b.c"), 3), STR("a.b.c")));
	assert_true(str_eq(domain_last_labels(STR("a.b.c"), 9), STR("a.b.c")));
	assert_int_equal(domain_last_labels(STR("a.b.c"), 0).n, 0);
}

static void test_to_ascii(void **state)
{
	static const struct { struct str name, ascii; } rows[] = {
		{ STR_INIT("Example.COM."), STR_INIT("example.com") },
		{ STR_INIT("b\xc3\xbc" "cher.example"), STR_INIT("xn--bcher-kva.example") },
		{ STR_INIT("bu\xcc\x88" "cher.example"), STR_INIT("xn--bcher-kva.example") },    /* decomposed: NFC comes first */
		{ STR_INIT("fa\xc3\x9f.example"), STR_INIT("xn--fa-hia.example") },              /* IDNA 2008 keeps the sharp s */
		{ STR_INIT("under_score.example"), STR_INIT("under_score.example") },
		{ STR_INIT(""), { NULL, 0 } },
		{ STR_INIT("."), { NULL, 0 } },
		{ STR_INIT("a..b"), { NULL, 0 } },
		{ STR_INIT("a b.example"), { NULL, 0 } },
		{ STR_INIT("a\r\nb.example"), { NULL, 0 } },
		{ STR_INIT("a\0b.example"), { NULL, 0 } },
		{ STR_INIT("\xff.example"), { NULL, 0 } },
	};
	struct arena a = ARENA_INIT(0);
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str out;
		int err = domain_to_ascii(&a, rows[i].name, &out);
		assert_int_equal(err, rows[i].ascii.p ? 0 : ERR_INVALID);
		if (!err)
			assert_true(str_eq(out, rows[i].ascii));
	}
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_within), cmocka_unit_test(test_labels), cmocka_unit_test(test_to_ascii),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
