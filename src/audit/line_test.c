#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "audit/limits.h"
#include "audit/line.h"
#include "base/utf8.h"

#define NOW INT64_C(1795705445123)        /* 2026-11-26T15:04:05.123Z */

/* doc/format/audit.md */
static void test_login(void **state)
{
	struct buf b = BUF_INIT(0);
	struct audit_login l = { .protocol = "imap", .mechanism = "PLAIN", .user = STR("ann@example.org"), .ip = STR("192.0.2.1"), .tls = true, .ok = true };
	(void)state;
	audit_line_login(&b, NOW, &l);
	buf_add_char(&b, '\0');
	assert_string_equal(b.p, "{\"time\":\"2026-11-26T15:04:05.123Z\",\"event\":\"login\",\"ok\":true,\"protocol\":\"imap\",\"mechanism\":\"PLAIN\","
							 "\"user\":\"ann@example.org\",\"ip\":\"192.0.2.1\",\"tls\":true}\n");
	buf_reset(&b);
	l.ok = l.tls = false;
	l.why = "not permitted";
	l.name = STR("phone");
	audit_line_login(&b, NOW, &l);
	buf_add_char(&b, '\0');
	assert_string_equal(b.p, "{\"time\":\"2026-11-26T15:04:05.123Z\",\"event\":\"login\",\"ok\":false,\"protocol\":\"imap\",\"mechanism\":\"PLAIN\","
							 "\"user\":\"ann@example.org\",\"ip\":\"192.0.2.1\",\"tls\":false,\"name\":\"phone\",\"why\":\"not permitted\"}\n");
	buf_fini(&b);
}

static void test_act(void **state)
{
	struct buf b = BUF_INIT(0);
	(void)state;
	audit_line_act(&b, NOW, STR("cli:root(0)"), "cli", "user.add", STR("ann@example.org"), STR("--shared"), 0);
	audit_line_act(&b, NOW, STR("bob@example.org"), "imap", "acl.set", STR("INBOX"), STR(""), ERR_DENIED);
	buf_add_char(&b, '\0');
	assert_string_equal(b.p, "{\"time\":\"2026-11-26T15:04:05.123Z\",\"event\":\"user.add\",\"ok\":true,\"protocol\":\"cli\",\"actor\":\"cli:root(0)\","
							 "\"object\":\"ann@example.org\",\"detail\":\"--shared\"}\n"
							 "{\"time\":\"2026-11-26T15:04:05.123Z\",\"event\":\"acl.set\",\"ok\":false,\"protocol\":\"imap\",\"actor\":\"bob@example.org\","
							 "\"object\":\"INBOX\",\"why\":\"not permitted\"}\n");
	buf_fini(&b);
}

/* One line, whose members are those that were meant, whatever stands in a name. */
static void check_name(struct str user, struct str told)
{
	struct buf b = BUF_INIT(0);
	struct arena a = ARENA_INIT(0);
	struct audit_event x;
	struct audit_login l = { .protocol = "smtp", .mechanism = "LOGIN", .user = user, .ip = user, .name = user, .why = "not permitted" };
	audit_line_login(&b, NOW, &l);
	struct str line = buf_str(&b);
	assert_true(line.n <= AUDIT_LINE_MAX);
	assert_int_equal(str_chr(line, '\n'), line.n - 1);
	for (size_t i = 0; i < line.n - 1; i++)
		assert_true((unsigned char)line.p[i] >= 0x20 && line.p[i] != 0x7f);
	assert_int_equal(audit_line_parse(&a, str_sub(line, 0, line.n - 1), &x), 0);
	assert_true(str_eq(x.user, told));
	assert_true(str_eq(x.ip, told));
	assert_true(str_eq(x.name, told));
	assert_true(str_eq(x.event, STR("login")));
	assert_false(x.ok);
	arena_fini(&a);
	buf_fini(&b);
}

static void test_injection(void **state)
{
	(void)state;
	static const struct str same[] = {
		STR_INIT("a\",\"ok\":true,\"x\":\""), STR_INIT("a\n{\"time\":\"2026-01-01T00:00:00.000Z\",\"event\":\"login\",\"ok\":true}"), STR_INIT("a\r\n"), STR_INIT("\\"),
		STR_INIT("\\\""), STR_INIT("\x1b[2Jx"), STR_INIT("x\x7f"), STR_INIT("a\0b"), STR_INIT("\xc2\x85"), STR_INIT("\xe2\x80\xa8x"), STR_INIT("\xe2\x80\xaegnp.exe"),
		STR_INIT("\\u000a"), STR_INIT("gr\xc3\xbc\xc3\x9f"), STR_INIT("\xf0\x9f\x92\xa9"),
	};
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		check_name(same[i], same[i]);
	check_name(STR("\xff\xfe"), STR("\xef\xbf\xbd\xef\xbf\xbd"));
	check_name(STR("a\xc3"), STR("a\xef\xbf\xbd"));
}

static void test_cut(void **state)
{
	char text[4 * AUDIT_VALUE_MAX], told[AUDIT_VALUE_MAX + 4];
	(void)state;
	memset(text, '\x01', sizeof(text));
	memset(told, '\x01', AUDIT_VALUE_MAX);
	memcpy(told + AUDIT_VALUE_MAX, "...", 4);
	check_name(str_make(text, AUDIT_VALUE_MAX), str_make(told, AUDIT_VALUE_MAX));
	check_name(str_make(text, AUDIT_VALUE_MAX + 1), str_make(told, AUDIT_VALUE_MAX + 3));
	check_name(str_make(text, sizeof(text)), str_make(told, AUDIT_VALUE_MAX + 3));
	/* not inside a character: of the one at the border nothing is left */
	memset(text, 'a', sizeof(text));
	memcpy(text + AUDIT_VALUE_MAX - 1, "\xe2\x82\xac", 3);
	memset(told, 'a', AUDIT_VALUE_MAX);
	memcpy(told + AUDIT_VALUE_MAX - 1, "...", 4);
	check_name(str_make(text, sizeof(text)), str_make(told, AUDIT_VALUE_MAX + 2));
}

static void test_worst_act_fits(void **state)
{
	char text[4 * AUDIT_DETAIL_MAX];
	struct buf b = BUF_INIT(0);
	struct str s = str_make(text, sizeof(text));
	(void)state;
	memset(text, '\x02', sizeof(text));
	audit_line_act(&b, NOW, s, "imap", "metadata.set", s, s, ERR_DENIED);
	assert_true(b.n <= AUDIT_LINE_MAX);
	buf_fini(&b);
}

static void test_parse_refuses(void **state)
{
	static const struct str bad[] = { STR_INIT(""), STR_INIT("{"), STR_INIT("[]"), STR_INIT("{}"), STR_INIT("{\"time\":\"x\"}"), STR_INIT("{\"time\":1,\"event\":\"a\"}"),
		STR_INIT("{\"time\":\"a\",\"event\":\"b\",\"event\":\"c\"}"), STR_INIT("{\"time\":\"a\",\"event\":\"b\"} x"), STR_INIT("{\"time\":\"a\",\"event\":\"b\"") };
	struct arena a = ARENA_INIT(0);
	struct audit_event x;
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(audit_line_parse(&a, bad[i], &x), ERR_CORRUPT);
	/* members of versions to come are passed over */
	assert_int_equal(audit_line_parse(&a, STR("{\"time\":\"a\",\"event\":\"b\",\"new\":[1]}"), &x), 0);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_act),
		cmocka_unit_test(test_injection),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_worst_act_fits),
		cmocka_unit_test(test_parse_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
