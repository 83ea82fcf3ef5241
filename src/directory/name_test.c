#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "directory/name.h"

static void check(int (*parse)(struct str, struct name *), const char *in, const char *want)
{
	struct name n;
	int code = parse(str_from_c(in), &n);
	if (!want) {
		if (code != ERR_INVALID)
			fail_msg("\"%s\" was taken as \"%s\" (%d)", in, n.bytes, code);
		return;
	}
	if (code != 0)
		fail_msg("\"%s\" was refused (%d)", in, code);
	assert_string_equal(n.bytes, want);
	assert_int_equal(n.n, strlen(want));
	assert_int_equal(name_local(&n).n + 1 + name_domain(&n).n, n.n);
}

static void test_addresses(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "alice@example.org", "alice@example.org" },
		{ "Alice.B@EXAMPLE.Org", "alice.b@example.org" },
		/* RFC 5891: one key for the U-label in any case and for its A-label */
		{ "a@B\xc3\xbc" "cher.example", "a@xn--bcher-kva.example" },
		{ "a@b\xc3\xbc" "cher.example", "a@xn--bcher-kva.example" },
		{ "a@bu\xcc\x88" "cher.example", "a@xn--bcher-kva.example" },
		{ "a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example" },
		/* non-transitional: sharp s stays itself */
		{ "a@stra\xc3\x9f" "e.example", "a@xn--strae-oqa.example" },
		{ "a@\xd0\xbf\xd0\xbe\xd1\x87\xd1\x82\xd0\xb0.\xd1\x80\xd1\x84", "a@xn--80a1acny.xn--p1ai" },
		/* RFC 6531: the local part is UTF-8; only its ASCII letters are folded */
		{ "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbdX@example.org", "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbdx@example.org" },
		/* without its quotes a local part may hold anything printable, also an at sign */
		{ "john doe@example.org", "john doe@example.org" },
		{ "a@b@example.org", "a@b@example.org" },
		{ "a@[192.0.2.1]", "a@[192.0.2.1]" },
		{ "a@[IPv6:2001:DB8::1]", "a@[ipv6:2001:db8::1]" },
		{ "root@localhost", "root@localhost" },
		{ "", NULL },
		{ "alice", NULL },
		{ "@example.org", NULL },
		{ "alice@", NULL },
		{ "alice@example..org", NULL },
		{ "alice@.example.org", NULL },
		{ "alice@example.org.", NULL },
		{ "alice@-example.org", NULL },
		{ "alice@example-.org", NULL },
		{ "alice@exa mple.org", NULL },
		{ "alice@exa_mple.org", NULL },
		{ "ali\tce@example.org", NULL },
		{ "ali\x7f" "ce@example.org", NULL },
		{ "ali\xff" "ce@example.org", NULL },
		{ "alice@ex\xff.org", NULL },
		{ "alice@[]", NULL },
		{ "alice@[1.2.3.4", NULL },
		{ "alice@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.org", NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(name_parse, cases[i][0], cases[i][1]);
	struct name n;
	assert_int_equal(name_parse(STR("ali\0ce@example.org"), &n), ERR_INVALID);
	assert_int_equal(name_parse(STR("alice@example\0.org"), &n), ERR_INVALID);
}

static void test_domains(void **state)
{
	(void)state;
	check(name_parse_domain, "Example.ORG", "@example.org");
	check(name_parse_domain, "b\xc3\xbc" "cher.example", "@xn--bcher-kva.example");
	check(name_parse_domain, "[192.0.2.1]", NULL);
	check(name_parse_domain, "", NULL);
	check(name_parse_domain, "a@b", NULL);
	check(name_parse_alias, "@Example.org", "@example.org");
	check(name_parse_alias, "Sales@Example.org", "sales@example.org");
	check(name_parse_alias, "@", NULL);
}

static void test_longest(void **state)
{
	(void)state;
	char text[DIRECTORY_NAME_MAX + 2];
	memset(text, 'a', sizeof(text));
	memcpy(text + sizeof(text) - 13, "@example.org", 13);
	struct name n;
	assert_int_equal(name_parse(str_make(text, DIRECTORY_NAME_MAX + 1), &n), ERR_INVALID);
	assert_int_equal(name_parse(str_make(text + 1, DIRECTORY_NAME_MAX), &n), 0);
	assert_int_equal(n.n, DIRECTORY_NAME_MAX);
	struct name longer;
	assert_int_equal(name_with_local(&n, name_local(&n), &longer), 0);
	assert_string_equal(longer.bytes, n.bytes);
	char local[DIRECTORY_NAME_MAX];
	memset(local, 'B', sizeof(local));
	assert_int_equal(name_with_local(&n, str_make(local, sizeof(local)), &longer), ERR_INVALID);
	assert_int_equal(name_with_local(&n, str_make(local, 3), &longer), 0);
	assert_string_equal(longer.bytes, "bbb@example.org");
	assert_int_equal(name_with_local(&n, STR(""), &longer), ERR_INVALID);
}

static void test_plain(void **state)
{
	(void)state;
	static const struct { const char *address; bool plain; } cases[] = {
		{ "alice@x", true }, { "a.b@x", true }, { "a+b/c=d@x", true }, { "\xd0\xb8@x", true },
		{ ".a@x", false }, { "a.@x", false }, { "a..b@x", false }, { "a b@x", false }, { "\"a\"@x", false },
		{ "a@b@x", false }, { "a(b)@x", false }, { "a,b@x", false },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct name n;
		assert_int_equal(name_parse(str_from_c(cases[i].address), &n), 0);
		if (name_local_is_plain(&n) != cases[i].plain)
			fail_msg("%s", cases[i].address);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_plain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
