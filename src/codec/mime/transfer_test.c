/* RFC 2045 6.7 and 6.8; RFC 4648 10 for the vectors. Everything is decoded whole, and again cut at every place. */
#include "codec/mime/transfer.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct expectation {
	struct str in, out;
	bool damaged;
};

static const struct expectation base64[] = {
	{ STR_INIT(""), STR_INIT(""), false },
	{ STR_INIT("Zg=="), STR_INIT("f"), false },
	{ STR_INIT("Zm8="), STR_INIT("fo"), false },
	{ STR_INIT("Zm9v"), STR_INIT("foo"), false },
	{ STR_INIT("Zm9vYg=="), STR_INIT("foob"), false },
	{ STR_INIT("Zm9v\r\nYmFy\r\n"), STR_INIT("foobar"), false },
	{ STR_INIT(" Z m\t9\nv "), STR_INIT("foo"), false },
	{ STR_INIT("AP/+\r\n"), STR_INIT("\0\xff\xfe"), false },
	{ STR_INIT("+/+/"), STR_INIT("\xfb\xff\xbf"), false },
	/* RFC 2045 6.8: other characters must be ignored, and may mean damage */
	{ STR_INIT("Zm*9v!"), STR_INIT("foo"), true },
	{ STR_INIT("Zm9v\xff"), STR_INIT("foo"), true },
	{ STR_INIT("Zm8"), STR_INIT("fo"), true },
	{ STR_INIT("Zm9vY"), STR_INIT("foo"), true },
	{ STR_INIT("Zg==Zm8=Zm9v"), STR_INIT("ffofoo"), false },
	{ STR_INIT("===="), STR_INIT(""), false },
};

static const struct expectation quoted_printable[] = {
	{ STR_INIT(""), STR_INIT(""), false },
	{ STR_INIT("Now's the time =\r\nfor all folk to come=\r\n to the aid of their country."),
	  STR_INIT("Now's the time for all folk to come to the aid of their country."), false },
	{ STR_INIT("=3D=0C=e9"), STR_INIT("=\x0c\xe9"), false },
	{ STR_INIT("a=\nb"), STR_INIT("ab"), false },
	/* rule 3: blanks at the end of a line were added on the way */
	{ STR_INIT("a \t \r\nb"), STR_INIT("a\r\nb"), false },
	{ STR_INIT("a  \nb "), STR_INIT("a\nb"), false },
	{ STR_INIT("a =20\r\n"), STR_INIT("a  \r\n"), false },
	{ STR_INIT("a= \t\r\nb"), STR_INIT("ab"), false },
	{ STR_INIT("a  b"), STR_INIT("a  b"), false },
	{ STR_INIT("a="), STR_INIT("a"), false },
	{ STR_INIT("a=\r"), STR_INIT("a"), false },
	{ STR_INIT("a=\r\n"), STR_INIT("a"), false },
	{ STR_INIT("\r\n\r\n"), STR_INIT("\r\n\r\n"), false },
	{ STR_INIT("=E4=B8=AD"), STR_INIT("\xe4\xb8\xad"), false },
	/* what is no code stands for itself */
	{ STR_INIT("a=zz"), STR_INIT("a=zz"), true },
	{ STR_INIT("a=4"), STR_INIT("a=4"), true },
	{ STR_INIT("a=4\r\n"), STR_INIT("a=4\r\n"), true },
	{ STR_INIT("a==3D"), STR_INIT("a=="), true },
	{ STR_INIT("a= b"), STR_INIT("a= b"), true },
	{ STR_INIT("a=4=41"), STR_INIT("a=4A"), true },
	{ STR_INIT("a\rb"), STR_INIT("a\rb"), true },
	{ STR_INIT("a \rb"), STR_INIT("a \rb"), true },
	{ STR_INIT("a=\rb"), STR_INIT("a=\rb"), true },
	{ STR_INIT("\0\xff"), STR_INIT("\0\xff"), false },
};

static void check(enum mime_encoding encoding, const struct expectation *t, size_t cut)
{
	struct buf out = BUF_INIT(0);
	struct mime_decoder d;
	mime_decoder_init(&d, encoding);
	mime_decoder_feed(&d, str_sub(t->in, 0, cut), &out);
	mime_decoder_feed(&d, str_from(t->in, cut), &out);
	mime_decoder_finish(&d, &out);
	if (!str_eq(buf_str(&out), t->out) || d.damaged != t->damaged)
		fail_msg("%.*s cut at %zu: %.*s, damaged %d", STR_ARG(t->in), cut, STR_ARG(buf_str(&out)), d.damaged);
	buf_fini(&out);
}

static void check_bytewise(enum mime_encoding encoding, const struct expectation *t)
{
	struct buf out = BUF_INIT(0);
	struct mime_decoder d;
	mime_decoder_init(&d, encoding);
	for (size_t i = 0; i < t->in.n; i++)
		mime_decoder_feed(&d, str_sub(t->in, i, 1), &out);
	mime_decoder_finish(&d, &out);
	assert_true(str_eq(buf_str(&out), t->out));
	buf_fini(&out);
}

static void check_all(enum mime_encoding encoding, const struct expectation *table, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t cut = 0; cut <= table[i].in.n; cut++)
			check(encoding, &table[i], cut);
		check_bytewise(encoding, &table[i]);
	}
}

static void test_base64(void **state)
{
	(void)state;
	check_all(MIME_BASE64, base64, COUNT(base64));
}

static void test_quoted_printable(void **state)
{
	(void)state;
	check_all(MIME_QUOTED_PRINTABLE, quoted_printable, COUNT(quoted_printable));
}

static void test_long_blanks(void **state)
{
	(void)state;
	struct buf in = BUF_INIT(0), out = BUF_INIT(0);
	for (int i = 0; i < 1000000; i++) /* as many as would take for ever in quadratic time */
		buf_add_char(&in, ' ');
	buf_add_char(&in, 'x');
	assert_true(mime_transfer_decode(MIME_QUOTED_PRINTABLE, buf_str(&in), &out));
	assert_true(str_eq(buf_str(&in), buf_str(&out)));
	buf_fini(&in);
	buf_fini(&out);
}

static void test_names(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum mime_encoding encoding;
	} table[] = {
		{ "", MIME_7BIT },
		{ "7BIT", MIME_7BIT },
		{ "8bit", MIME_8BIT },
		{ "binary", MIME_BINARY },
		{ "Base64", MIME_BASE64 },
		{ "QUOTED-PRINTABLE", MIME_QUOTED_PRINTABLE },
		{ "x-uuencode", MIME_ENCODING_UNKNOWN },
	};
	for (size_t i = 0; i < COUNT(table); i++)
		assert_int_equal(mime_encoding_from_name(str_from_c(table[i].name)), table[i].encoding);
	struct buf out = BUF_INIT(0);
	assert_true(mime_transfer_decode(MIME_ENCODING_UNKNOWN, STR("=41"), &out));
	assert_true(str_eq(buf_str(&out), STR("=41")));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_quoted_printable),
		cmocka_unit_test(test_long_blanks),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
