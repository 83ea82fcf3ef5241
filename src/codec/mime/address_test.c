/* RFC 5322 3.4, 4.4 and appendix A; RFC 9051 7.5.2 for groups. */
#include "codec/mime/address.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/mime/defect.h"
#include "codec/mime/limits.h"

/* An address is written name|route|local@domain, a group [name: ... ]. */
static void describe(const struct mime_address *list, size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		const struct mime_address *a = &list[i];
		if (a->kind == MIME_GROUP_END)
			buf_add_c(out, "]");
		else if (a->kind == MIME_GROUP_START)
			buf_printf(out, "[%.*s:", STR_ARG(a->name));
		else
			buf_printf(out, "<%.*s|%.*s|%.*s@%.*s>", STR_ARG(a->name), STR_ARG(a->route), STR_ARG(a->local),
			           STR_ARG(a->domain));
	}
}

struct expectation {
	const char *body, *list;
	uint32_t defects;
};

static void check(const struct expectation *t)
{
	struct arena arena = ARENA_INIT(0);
	struct mime_address *list;
	struct buf got = BUF_INIT(0);
	size_t count;
	uint32_t defects = 0;
	assert_int_equal(mime_addresses_parse(str_from_c(t->body), &arena, &list, &count, &defects), 0);
	describe(list, count, &got);
	buf_add_char(&got, '\0');
	assert_string_equal(got.p, t->list);
	if (defects != t->defects)
		fail_msg("%s: defects %x", t->body, defects);
	buf_fini(&got);
	arena_fini(&arena);
}

static void check_all(const struct expectation *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(&table[i]);
}
#define CHECK_ALL(table) check_all(table, sizeof(table) / sizeof((table)[0]))

static void test_rfc5322(void **state)
{
	(void)state;
	static const struct expectation table[] = {
		/* A.1.1 */
		{ " John Doe <jdoe@machine.example>", "<John Doe||jdoe@machine.example>", 0 },
		/* A.1.2 */
		{ "\"Joe Q. Public\" <john.q.public@example.com>", "<Joe Q. Public||john.q.public@example.com>", 0 },
		{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
		  "<Mary Smith||mary@x.test><||jdoe@example.org><Who?||one@y.test>", 0 },
		{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
		  "<||boss@nil.test><Giant; \"Big\" Box||sysservices@example.net>", 0 },
		/* A.1.3 */
		{ "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
		  "[A Group:<Ed Jones||c@a.test><||joe@where.test><John||jdoe@one.test>]", 0 },
		{ "Undisclosed recipients:;", "[Undisclosed recipients:]", 0 },
		/* A.5 */
		{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "<Pete||pete@silly.test>", 0 },
		{ "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n         "
		  "joe@example.org,\r\n"
		  "  John <jdoe@one.test> (my dear friend); (the end of the group)",
		  "[A Group:<Chris Jones||c@public.example><||joe@example.org><John||jdoe@one.test>]", 0 },
		{ "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "[Hidden recipients:]", 0 },
		/* A.6.1 */
		{ "Joe Q. Public <john.q.public@example.com>", "<Joe Q. Public||john.q.public@example.com>", 0 },
		{ "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
		  "<Mary Smith|@node.test|mary@example.net><||jdoe@test.example>", 0 },
		/* A.6.3 */
		{ "John Doe <jdoe@machine(comment).  example>", "<John Doe||jdoe@machine.example>", 0 },
		{ "Mary Smith\r\n  \r\n          <mary@example.net>", "<Mary Smith||mary@example.net>", 0 },
	};
	CHECK_ALL(table);
}

static void test_grammar(void **state)
{
	(void)state;
	static const struct expectation table[] = {
		{ "", "", 0 },
		{ " \r\n ,, ,", "", 0 },
		/* 3.4.1: quoted local part, domain literal */
		{ "\"john doe\"@example.org", "<||john doe@example.org>", 0 },
		{ "\"a\\\"b\\\\\"@example.org", "<||a\"b\\@example.org>", 0 },
		{ "a@[192.0.2.1], b@[IPv6:2001:db8::1]", "<||a@[192.0.2.1]><||b@[IPv6:2001:db8::1]>", 0 },
		{ "X <a@[IPv6:::1]>", "<X||a@[IPv6:::1]>", 0 },
		/* 4.4: obs-local-part, obs-route with comments and empty members */
		{ "first . \"mid dle\" . last@example.org", "<||first.mid dle.last@example.org>", 0 },
		{ "<@a.test, @b.test (x) : c@d.test>", "<|@a.test,@b.test|c@d.test>", 0 },
		/* 3.2.2: comments nest; the last one is the name when there is none */
		{ "root@example.org (Charlie (the) Root)", "<Charlie (the) Root||root@example.org>", 0 },
		{ "<root@example.org> (Charlie \\(Root)", "<Charlie (Root||root@example.org>", 0 },
		{ "(Charlie) root@example.org", "<Charlie||root@example.org>", 0 },
		{ "Bob <bob@example.org> (home)", "<Bob||bob@example.org>", 0 },
		/* phrases: quoting goes, one blank between words */
		{ "\"Doe,  John\"  (x)  Jr. <d@e.test>", "<Doe,  John Jr.||d@e.test>", 0 },
		{ "=?utf-8?q?J=C3=BCrgen?= X <d@e.test>", "<=?utf-8?q?J=C3=BCrgen?= X||d@e.test>", 0 },
		{ "\"fold\r\n ed\" <d@e.test>", "<fold ed||d@e.test>", 0 },
		/* two groups, and addresses around them */
		{ "x@y.test, G:;, \"H, I\":a@b.test;, z@y.test", "<||x@y.test>[G:][H, I:<||a@b.test>]<||z@y.test>", 0 },
		{ "J\xc3\xb6rg <j\xc3\xb6rg@b\xc3\xbc"
		  "cher.example>",
		  "<J\xc3\xb6rg||j\xc3\xb6rg@b\xc3\xbc"
		  "cher.example>",
		  0 },
	};
	CHECK_ALL(table);
}

static void test_wild(void **state)
{
	(void)state;
	static const struct expectation table[] = {
		{ "root", "<||root@>", MIME_BAD_ADDRESS },
		{ "root (Operator), a@b.test", "<Operator||root@><||a@b.test>", MIME_BAD_ADDRESS },
		{ "<>", "<||@>", MIME_BAD_ADDRESS },
		{ "Name <>", "<Name||@>", MIME_BAD_ADDRESS },
		{ "<@b.test>", "<||@b.test>", MIME_BAD_ADDRESS },
		{ "a@", "<||a@>", MIME_BAD_ADDRESS },
		{ "John Doe", "<John Doe||@>", MIME_BAD_ADDRESS },
		{ "\"John Doe\"", "<John Doe||@>", MIME_BAD_ADDRESS },
		{ "John Doe john@example.org", "<John Doe||john@example.org>", MIME_BAD_ADDRESS },
		{ "john@example.org John Doe", "<John Doe||john@example.org>", MIME_BAD_ADDRESS },
		{ "a@b.test <c@d.test>", "<a@b.test||c@d.test>", MIME_BAD_ADDRESS },
		{ "a@b.test; c@d.test", "<||a@b.test><||c@d.test>", MIME_BAD_ADDRESS },
		{ "a@b@c.test", "<||a@b@c.test>", 0 },
		{ "X <a@b.test, Y <c@d.test>", "<X||a@b.test><Y||c@d.test>", MIME_BAD_ADDRESS },
		{ "X <a@b.test> trailing, c@d.test", "<X||a@b.test><||c@d.test>", MIME_BAD_ADDRESS },
		{ "G: a@b.test", "[G:<||a@b.test>]", MIME_BAD_ADDRESS },
		{ "[list] <a@b.test>", "<[list]||a@b.test>", 0 },
		/* what is never closed stands for itself */
		{ "O(pen <a@b.test>, c@d.test", "<O(pen||a@b.test><||c@d.test>", 0 },
		{ "O\"pen <a@b.test>, c@d.test", "<O\"pen||a@b.test><||c@d.test>", 0 },
		{ "G1: G2: a@b.test;;", "[G1:<G2:||a@b.test>]", MIME_BAD_ADDRESS },
	};
	CHECK_ALL(table);
}

static void test_limits(void **state)
{
	(void)state;
	struct arena arena = ARENA_INIT(0);
	struct buf body = BUF_INIT(0);
	struct mime_address *list;
	size_t count;
	uint32_t defects = 0;
	buf_add_c(&body, "G:");
	for (int i = 0; i < MIME_ADDRESSES_MAX + 10; i++)
		buf_add_c(&body, "a@b,");
	assert_int_equal(mime_addresses_parse(buf_str(&body), &arena, &list, &count, &defects), 0);
	assert_true(count <= MIME_ADDRESSES_MAX + 1 && count > MIME_ADDRESSES_MAX - 2);
	assert_true(defects & MIME_TOO_MANY_ADDRESSES);
	assert_int_equal(list[0].kind, MIME_GROUP_START);
	assert_int_equal(list[count - 1].kind, MIME_GROUP_END);
	arena_fini(&arena);

	/* nothing here takes more than linear time */
	static const char *const hostile[] = { "(", "\"", "@[", "<", "((", "a b", "\\", ":", "a.", ";" };
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		buf_reset(&body);
		while (body.n < MIME_FIELD_MAX + 100)
			buf_add_c(&body, hostile[i]);
		assert_int_equal(mime_addresses_parse(buf_str(&body), &arena, &list, &count, NULL), 0);
		arena_reset(&arena);
	}
	arena_fini(&arena);
	arena_init(&arena, 100);
	assert_int_not_equal(mime_addresses_parse(buf_str(&body), &arena, &list, &count, NULL), 0);
	arena_fini(&arena);
	buf_fini(&body);
}

static void test_format(void **state)
{
	(void)state;
	static const struct {
		const char *local, *text;
	} table[] = {
		{ "john.doe", "john.doe@x.test" },
		{ "john doe", "\"john doe\"@x.test" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"@x.test" },
		{ "", "\"\"@x.test" },
		{ "a..b", "\"a..b\"@x.test" },
		{ ".a", "\".a\"@x.test" },
		{ "a.", "\"a.\"@x.test" },
		{ "j\xc3\xb6rg", "j\xc3\xb6rg@x.test" },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct mime_address a = { .local = str_from_c(table[i].local), .domain = STR("x.test") };
		struct buf out = BUF_INIT(0);
		mime_address_format(&a, &out);
		assert_true(str_eq(buf_str(&out), str_from_c(table[i].text)));
		buf_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc5322), cmocka_unit_test(test_grammar), cmocka_unit_test(test_wild),
		cmocka_unit_test(test_limits),  cmocka_unit_test(test_format),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
