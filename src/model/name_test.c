/* Names: which are allowed (RFC 3501 5.1, RFC 9755 3), how INBOX is spelled, in which order they stand. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/name.h"

static void allowed_and_not(void **state)
{
	(void)state;
	static const struct { struct str name, canonical; int rc; } cases[] = {
		{ STR_INIT("Work"), STR_INIT("Work"), 0 },
		{ STR_INIT("a/b c/d"), STR_INIT("a/b c/d"), 0 },
		{ STR_INIT("Entw\xc3\xbcrfe/\xe2\x82\xac"), STR_INIT("Entw\xc3\xbcrfe/\xe2\x82\xac"), 0 },
		/* RFC 9051 5.1: one name in all normalizations */
		{ STR_INIT("Entwu\xcc\x88rfe"), STR_INIT("Entw\xc3\xbcrfe"), 0 },
		{ STR_INIT("\xe2\x84\xaa/\xcd\xbe"), STR_INIT("K/;"), 0 },
		{ STR_INIT("with \"quotes\" and \\ & ~"), STR_INIT("with \"quotes\" and \\ & ~"), 0 },
		{ STR_INIT(".."), STR_INIT(".."), 0 },
		/* RFC 3501 5.1: INBOX in any case, also as a level above others; nothing else is like it */
		{ STR_INIT("inbox"), STR_INIT("INBOX"), 0 },
		{ STR_INIT("InBox/Inbox"), STR_INIT("INBOX/Inbox"), 0 },
		{ STR_INIT("inboxes"), STR_INIT("inboxes"), 0 },
		{ STR_INIT("x/inbox"), STR_INIT("x/inbox"), 0 },
		{ STR_INIT(""), STR_INIT(""), ERR_INVALID },
		{ STR_INIT("/"), STR_INIT(""), ERR_INVALID },
		{ STR_INIT("/a"), STR_INIT(""), ERR_INVALID },
		{ STR_INIT("a/"), STR_INIT(""), ERR_INVALID },
		{ STR_INIT("a//b"), STR_INIT(""), ERR_INVALID },
		{ STR_INIT("a%"), STR_INIT(""), ERR_INVALID },
		{ STR_INIT("*"), STR_INIT(""), ERR_INVALID },
		{ STR_INIT("a\0b"), STR_INIT(""), ERR_INVALID },
		{ STR_INIT("a\rb"), STR_INIT(""), ERR_INVALID },
		{ STR_INIT("a\x7f"), STR_INIT(""), ERR_INVALID },
		{ STR_INIT("a\xc2\x85"), STR_INIT(""), ERR_INVALID },          /* U+0085 */
		{ STR_INIT("a\xe2\x80\xa8"), STR_INIT(""), ERR_INVALID },      /* U+2028 */
		{ STR_INIT("a\xe2\x80\xa9"), STR_INIT(""), ERR_INVALID },      /* U+2029 */
		{ STR_INIT("a\xff"), STR_INIT(""), ERR_INVALID },
		{ STR_INIT("a\xed\xa0\x80"), STR_INIT(""), ERR_INVALID },      /* a surrogate */
	};
	struct arena arena = ARENA_INIT(0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct str canonical;
		struct err e = { 0 };
		assert_int_equal(mailbox_name_check(&arena, cases[i].name, &canonical, &e), cases[i].rc);
		assert_true(str_eq(canonical, cases[i].canonical));
		assert_int_equal(e.client[0] != '\0', cases[i].rc != 0);
	}
	arena_fini(&arena);
}

static void limits(void **state)
{
	(void)state;
	char text[MAILBOX_NAME_MAX + 1], room[MAILBOX_NAME_MAX];
	struct str out;
	memset(text, 'x', sizeof(text));
	assert_int_equal(name_canonical(str_make(text, MAILBOX_NAME_MAX), room, &out, NULL), 0);
	assert_int_equal(name_canonical(str_make(text, MAILBOX_NAME_MAX + 1), room, &out, NULL), ERR_TOO_BIG);
	/* A name that grows by being normalized. */
	for (size_t i = 0; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, "\xe0\xa5\x98", 3);
	assert_int_equal(name_canonical(str_make(text, 501), room, &out, NULL), ERR_TOO_BIG);
	assert_int_equal(name_canonical(str_make(text, 498), room, &out, NULL), 0);
	memset(text, 'x', sizeof(text));
	for (size_t i = 1; i < sizeof(text); i += 2)
		text[i] = '/';
	assert_int_equal(name_canonical(str_make(text, 2 * MAILBOX_DEPTH_MAX - 1), room, &out, NULL), 0);
	assert_int_equal(name_canonical(str_make(text, 2 * MAILBOX_DEPTH_MAX + 1), room, &out, NULL), ERR_TOO_BIG);
}

static void order(void **state)
{
	(void)state;
	static const struct str sorted[] = { STR_INIT("INBOX"), STR_INIT("INBOX/a"), STR_INIT("INBOX/b"),
										 STR_INIT("A"), STR_INIT("A/z"), STR_INIT("A-"),
										 STR_INIT("AB"), STR_INIT("INBOXES"), STR_INIT("Z"),
										 STR_INIT("\xc3\xbc") };
	const size_t n = sizeof(sorted) / sizeof(*sorted);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			int cmp = name_compare(sorted[i], sorted[k]);
			assert_int_equal((cmp > 0) - (cmp < 0), (i > k) - (i < k));
		}
}

static void levels(void **state)
{
	(void)state;
	assert_true(str_eq(name_parent(STR("a/b/c")), STR("a/b")));
	assert_int_equal(name_parent(STR("a")).n, 0);
	assert_true(name_is_below(STR("a/b/c"), STR("a")));
	assert_false(name_is_below(STR("a"), STR("a")));
	assert_false(name_is_below(STR("ab"), STR("a")));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(allowed_and_not), cmocka_unit_test(limits),
										cmocka_unit_test(order), cmocka_unit_test(levels) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
