/* The octets as libmilter's mfdef.h and its documentation of the API describe them. */
#include "milter/packet.h"

#include "milter/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define BYTES(literal) str_make(literal, sizeof(literal) - 1)

static void expect(struct buf *b, struct str wanted)
{
	assert_false(b->failed);
	assert_int_equal(b->n, wanted.n);
	assert_memory_equal(b->p, wanted.p, wanted.n);
	buf_fini(b);
}

static void test_commands(void **state)
{
	struct buf b = BUF_INIT(0);
	const struct str arguments[] = { STR("SIZE=10"), STR("BODY=8BITMIME") };
	const struct milter_macro macros[] = { { STR("i"), STR("ab.1") }, { STR("auth_authen"), STR("bob") } };
	struct net_endpoint four = { .port = 0x1234 }, six = { .port = 25 };

	(void)state;
	milter_put_bare(&b, MILTER_CMD_EOH);
	expect(&b, BYTES("\0\0\0\1N"));
	milter_put_options(&b, &(struct milter_options){ 6, 0x1ff, 0x1fffff });
	expect(&b, BYTES("\0\0\0\15O\0\0\0\6\0\0\1\xff\0\x1f\xff\xff"));
	milter_put_macros(&b, MILTER_CMD_MAIL, macros, 2);
	expect(&b, BYTES("\0\0\0\33DMi\0ab.1\0{auth_authen}\0bob\0"));
	net_addr_parse(STR("192.0.2.1"), 4, &four.addr);
	milter_put_connect(&b, STR("mx.example"), &four);
	expect(&b, BYTES("\0\0\0\31Cmx.example\0004\x12\x34" "192.0.2.1\0"));
	net_addr_parse(STR("2001:db8::1"), 6, &six.addr);
	milter_put_connect(&b, STR("[2001:db8::1]"), &six);
	expect(&b, BYTES("\0\0\0\36C[2001:db8::1]\0006\0\x19" "2001:db8::1\0"));
	milter_put_connect(&b, STR("local"), NULL);
	expect(&b, BYTES("\0\0\0\10Clocal\0U"));
	milter_put_text(&b, MILTER_CMD_HELO, BYTES("a\0b"));
	expect(&b, BYTES("\0\0\0\4Hab\0"));
	milter_put_address(&b, MILTER_CMD_MAIL, STR("a@example"), arguments, 2);
	expect(&b, BYTES("\0\0\0\43M<a@example>\0SIZE=10\0BODY=8BITMIME\0"));
	milter_put_address(&b, MILTER_CMD_RCPT, STR(""), NULL, 0);
	expect(&b, BYTES("\0\0\0\4R<>\0"));
	milter_put_body(&b, BYTES("x\0y\r\n"));
	expect(&b, BYTES("\0\0\0\6Bx\0y\r\n"));
}

static void test_header(void **state)
{
	struct buf b = BUF_INIT(0);

	(void)state;
	milter_put_header(&b, STR("Subject"), STR(" one\r\n two"), false);
	expect(&b, BYTES("\0\0\0\22LSubject\0one\n two\0"));
	milter_put_header(&b, STR("Subject"), STR(" one\r\n two"), true);
	expect(&b, BYTES("\0\0\0\23LSubject\0 one\n two\0"));
	milter_put_header(&b, STR("X"), STR("\tone"), false);        /* only SP goes, and only one */
	expect(&b, BYTES("\0\0\0\10LX\0\tone\0"));
	milter_put_header(&b, STR("X"), STR("  one"), false);
	expect(&b, BYTES("\0\0\0\10LX\0 one\0"));
	milter_put_header(&b, STR("X"), STR(""), false);
	expect(&b, BYTES("\0\0\0\4LX\0\0"));

	char *large = malloc(200000);
	memset(large, 'y', 200000);
	milter_put_header(&b, STR("X"), str_make(large, 200000), false);
	assert_int_equal(b.n, 5 + MILTER_CHUNK_MAX);
	buf_reset(&b);
	milter_put_header(&b, str_make(large, 200000), str_make(large, 200000), false);
	assert_int_equal(b.n, 5 + MILTER_CHUNK_MAX);
	buf_fini(&b);
	free(large);
}

static void test_replies(void **state)
{
	static const struct {
		struct str packet;
		bool good;
		uint32_t index;
		const char *name, *value;
	} table[] = {
		{ STR_INIT("c"), true, 0, "", "" },
		{ STR_INIT("cx"), false, 0, "", "" },
		{ STR_INIT(""), false, 0, "", "" },
		{ STR_INIT("?"), false, 0, "", "" },
		{ STR_INIT("p"), true, 0, "", "" },
		{ STR_INIT("hX-A\0b c\0"), true, 0, "X-A", "b c" },
		{ STR_INIT("hX-A\0\0"), true, 0, "X-A", "" },
		{ STR_INIT("hX-A\0b"), false, 0, "", "" },                 /* not ended */
		{ STR_INIT("hX A\0b\0"), false, 0, "", "" },               /* no field name */
		{ STR_INIT("hX:\0b\0"), false, 0, "", "" },
		{ STR_INIT("h\0b\0"), false, 0, "", "" },
		{ STR_INIT("hX\0b\0c\0"), false, 0, "", "" },
		{ STR_INIT("i\0\0\0\2X\0b\0"), true, 2, "X", "b" },
		{ STR_INIT("i\0\0"), false, 0, "", "" },
		{ STR_INIT("m\0\0\1\0X\0\0"), true, 256, "X", "" },
		{ STR_INIT("+<a@example>\0"), true, 0, "<a@example>", "" },
		{ STR_INIT("+<a@example>"), false, 0, "", "" },
		{ STR_INIT("+<a@exa\r\nmple>\0"), false, 0, "", "" },
		{ STR_INIT("-<a@example>\0"), true, 0, "<a@example>", "" },
		{ STR_INIT("-<a@example>\0x\0"), false, 0, "", "" },
		{ STR_INIT("2<a@example>\0NOTIFY=NEVER\0"), true, 0, "<a@example>", "NOTIFY=NEVER" },
		{ STR_INIT("2<a@example>\0"), true, 0, "<a@example>", "" },
		{ STR_INIT("2<a@example>\0A=1\nRSET\0"), false, 0, "", "" },
		{ STR_INIT("e<>\0"), true, 0, "<>", "" },
		{ STR_INIT("ea@b\0RET=HDRS\0"), true, 0, "a@b", "RET=HDRS" },
		{ STR_INIT("bany\0thing\n"), true, 0, "", "any\0thing\n" },
		{ STR_INIT("qsmells\0"), true, 0, "", "smells" },
		{ STR_INIT("y550 5.7.1 no\0"), true, 0, "", "550 5.7.1 no" },
	};
	struct milter_reply r;

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		assert_int_equal(milter_reply_parse(table[i].packet, &r), table[i].good ? 0 : ERR_INVALID);
		if (!table[i].good)
			continue;
		assert_int_equal(r.kind, table[i].packet.p[0]);
		assert_int_equal(r.index, table[i].index);
		assert_true(str_eq(r.name, str_from_c(table[i].name)));
		assert_memory_equal(r.value.p ? r.value.p : "", table[i].value, r.value.n);
	}
}

static void test_options(void **state)
{
	struct milter_reply r;

	(void)state;
	assert_int_equal(milter_reply_parse(BYTES("O\0\0\0\6\0\0\1\x11\0\0\0\x7f"), &r), 0);
	assert_int_equal(r.options.version, 6);
	assert_int_equal(r.options.actions, MILTER_ACT_ADD_HEADERS | MILTER_ACT_CHANGE_HEADERS | MILTER_ACT_SYMBOLS);
	assert_int_equal(r.options.steps, 0x7f);
	assert_null(r.symbols[MILTER_AT_RCPT].p);
	assert_int_equal(milter_reply_parse(BYTES("O\0\0\0\6\0\0\0\0\0\0\0\0" "\0\0\0\3{rcpt_addr} i\0" "\0\0\0\2\0" "\0\0\0\x63j\0"), &r), 0);
	assert_true(str_eq(r.symbols[MILTER_AT_RCPT], STR("{rcpt_addr} i")));
	assert_true(r.symbols[MILTER_AT_MAIL].p && r.symbols[MILTER_AT_MAIL].n == 0);
	assert_int_equal(milter_reply_parse(BYTES("O\0\0\0\6\0\0\0\0\0\0\0"), &r), ERR_INVALID);
	assert_int_equal(milter_reply_parse(BYTES("O\0\0\0\6\0\0\0\0\0\0\0\0\0\0\0\1i"), &r), ERR_INVALID);
	assert_int_equal(milter_reply_parse(BYTES("l\0\0\0\5i j\0"), &r), 0);
	assert_true(str_eq(r.symbols[MILTER_AT_EOM], STR("i j")));
}

static void test_codes(void **state)
{
	static const struct {
		const char *value;
		unsigned code;            /* 0: no good */
		const char *enhanced, *text;
	} table[] = {
		{ "550 5.7.1 Go away", 550, "5.7.1", "Go away" },
		{ "451 later", 451, "", "later" },
		{ "550", 550, "", "" },
		{ "550 5.7.1", 550, "5.7.1", "" },
		{ "550-5.7.1 one\r\n550-5.7.1 two\r\n550 5.7.1 three", 550, "5.7.1", "one\ntwo\nthree" },
		{ "550-one\n550 two", 550, "", "one\ntwo" },
		{ "550 100%% of %s%", 550, "", "100% of s" },
		{ "550 5.7.1x no code", 550, "", "5.7.1x no code" },
		{ "550 5.1234.1 no code", 550, "", "5.1234.1 no code" },
		{ "550 tab\there \x80", 550, "", "tab?here ?" },
		{ "250 2.0.0 Ok", 0, NULL, NULL },          /* no refusal */
		{ "550 4.7.1 mixed", 0, NULL, NULL },       /* RFC 2034 4 */
		{ "550-one\r\n551 two", 0, NULL, NULL },
		{ "550-one", 0, NULL, NULL },
		{ "550 one\r\n550 two", 0, NULL, NULL },
		{ "55", 0, NULL, NULL },
		{ "", 0, NULL, NULL },
		{ "5x0 a", 0, NULL, NULL },
		{ "550_a", 0, NULL, NULL },
	};
	char enhanced[MILTER_ENHANCED_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct buf text = BUF_INIT(0);
		unsigned code = 0;
		int r = milter_code_parse(str_from_c(table[i].value), &code, enhanced, &text);
		assert_int_equal(r, table[i].code ? 0 : ERR_INVALID);
		if (table[i].code) {
			assert_int_equal(code, table[i].code);
			assert_string_equal(enhanced, table[i].enhanced);
			assert_true(str_eq(buf_str(&text), str_from_c(table[i].text)));
		}
		buf_fini(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands), cmocka_unit_test(test_header), cmocka_unit_test(test_replies), cmocka_unit_test(test_options),
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
