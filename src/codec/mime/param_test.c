/* RFC 2045 5.1, RFC 2046, RFC 2183, RFC 2231 3 and 4, RFC 3282. */
#include "codec/mime/param.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "codec/mime/defect.h"
#include "codec/mime/limits.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct expectation {
	const char *body, *content; /* type/subtype;name=value;name*=value */
	uint32_t defects;
};

static void describe(const struct mime_content *c, struct buf *out)
{
	buf_add_str(out, c->type);
	if (c->subtype.n)
		buf_printf(out, "/%.*s", STR_ARG(c->subtype));
	for (size_t i = 0; i < c->param_count; i++)
		buf_printf(out, ";%.*s=%.*s", STR_ARG(c->param[i].name), STR_ARG(c->param[i].value));
	buf_add_char(out, '\0');
}

static const struct expectation types[] = {
	/* RFC 2045 5.1 */
	{ "text/plain; charset=us-ascii (Plain text)", "text/plain;charset=us-ascii", 0 },
	{ "text/plain; charset=\"us-ascii\"", "text/plain;charset=us-ascii", 0 },
	{ " Text / Plain ; CHARSET = \"x\" ", "Text/Plain;CHARSET=x", 0 },
	/* RFC 2046 5.1.1 */
	{ "multipart/mixed; boundary=\"gc0pJq0M:08jU534c0p\"", "multipart/mixed;boundary=gc0pJq0M:08jU534c0p", 0 },
	{ "multipart/mixed; boundary=\"simple boundary\"", "multipart/mixed;boundary=simple boundary", 0 },
	/* RFC 2231 3 */
	{ "message/external-body; access-type=URL;\r\n URL*0=\"ftp://\";\r\n "
	  "URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
	  "message/external-body;access-type=URL;URL=ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar", 0 },
	/* RFC 2231 4 */
	{ "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
	  "application/x-stuff;title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", 0 },
	/* RFC 2231 4.1, with the semicolons that the example forgets */
	{ "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n title*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n"
	  " title*2=\"isn't it!\"",
	  "application/x-stuff;title*=us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!", 0 },
	/* and as printed */
	{ "application/x-stuff\r\n title*0*=us-ascii'en'This%20is%20even%20more%20\r\n "
	  "title*1*=%2A%2A%2Afun%2A%2A%2A%20\r\n"
	  " title*2=\"isn't it!\"",
	  "application/x-stuff;title*=us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!",
	  MIME_BAD_PARAM },
	/* order does not matter; names compare without case; others stay where they are */
	{ "a/b; X*1=two; y=1; x*0=one; x*2=3", "a/b;X=onetwo3;y=1", 0 },
	{ "a/b; n*0=caf; n*1*=%C3%A9", "a/b;n*=''caf%C3%A9", 0 },
	/* a gap, leading zeroes aside: what has no predecessor stays as written */
	{ "a/b; n*0=one; n*2=three", "a/b;n=one;n*2=three", MIME_BAD_PARAM },
	{ "a/b; n*1=two", "a/b;n*1=two", MIME_BAD_PARAM },
	{ "a/b; n*0=one; n*0=uno; n*1=two", "a/b;n=onetwo;n=uno", 0 },
	/* quoting */
	{ "a/b; n=\"x\\\"y\\\\z;=\"; m=\"\"", "a/b;n=x\"y\\z;=;m=", 0 },
	{ "a/b; n=\"fold\r\n ed\"", "a/b;n=fold ed", 0 },
	{ "a/b (c;d=e); (f) n (g) = (h) v (i) ; (j)", "a/b;n=v", 0 },
	{ "a/b;;; n=v;", "a/b;n=v", 0 },
	/* seen in the wild */
	{ "multipart/mixed; boundary=----=_NextPart_000/1", "multipart/mixed;boundary=----=_NextPart_000/1",
	  MIME_BAD_PARAM },
	{ "application/pdf; name=my report.pdf; x=y", "application/pdf;name=my report.pdf;x=y", MIME_BAD_PARAM },
	{ "text/plain charset=utf-8", "text/plain;charset=utf-8", MIME_BAD_PARAM },
	{ "text/plain; charset=utf-8 format=flowed", "text/plain;charset=utf-8;format=flowed", MIME_BAD_PARAM },
	{ "text/plain; charset=\"utf-8\" format=flowed", "text/plain;charset=utf-8;format=flowed", MIME_BAD_PARAM },
	{ "text/plain; charset", "text/plain", MIME_BAD_PARAM },
	{ "text/plain; =x; a=b", "text/plain;a=b", MIME_BAD_PARAM },
	{ "text/plain; a=\"open; b=c", "text/plain;a=\"open;b=c", MIME_BAD_PARAM },
	{ "text/plain; a=(open; b=c", "text/plain;a=(open;b=c", MIME_BAD_PARAM },
	{ "text/plain; a=; b=c", "text/plain;a=;b=c", 0 },
	{ "text/html; charset=utf-8\r\n\tname=x", "text/html;charset=utf-8;name=x", MIME_BAD_PARAM },
};

static void test_types(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		struct arena arena = ARENA_INIT(0);
		struct buf got = BUF_INIT(0);
		struct mime_content c;
		uint32_t defects = 0;
		assert_int_equal(mime_content_type_parse(str_from_c(types[i].body), &arena, &c, &defects), 0);
		describe(&c, &got);
		assert_string_equal(got.p, types[i].content);
		if (defects != types[i].defects)
			fail_msg("%s: defects %x", types[i].body, defects);
		buf_fini(&got);
		arena_fini(&arena);
	}
}

static void test_no_types(void **state)
{
	(void)state;
	/* RFC 2045 5.2: then the default is assumed */
	static const char *const table[] = {
		"", "text", "/plain", "text/", "text; charset=x", "\"text/plain\"", "(text/plain)"
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct arena arena = ARENA_INIT(0);
		struct mime_content c;
		assert_int_equal(mime_content_type_parse(str_from_c(table[i]), &arena, &c, NULL), ERR_INVALID);
		arena_fini(&arena);
	}
}

static void test_disposition(void **state)
{
	(void)state;
	struct arena arena = ARENA_INIT(0);
	struct mime_content c;
	/* RFC 2183 3 */
	assert_int_equal(mime_disposition_parse(STR("attachment; filename=genome.jpeg;\r\n"
	                                            " modification-date=\"Wed, 12 Feb 1997 16:29:51 -0500\";"),
	                                        &arena, &c, NULL),
	                 0);
	assert_true(str_eq(c.type, STR("attachment")) && c.subtype.n == 0 && c.param_count == 2);
	assert_true(str_eq(mime_param_find(&c, STR("FileName"))->value, STR("genome.jpeg")));
	assert_null(mime_param_find(&c, STR("file")));
	assert_int_equal(mime_disposition_parse(STR("; filename=x"), &arena, &c, NULL), ERR_INVALID);
	arena_fini(&arena);
}

static void test_decode(void **state)
{
	(void)state;
	static const struct {
		const char *body, *utf8;
	} table[] = {
		{ "a; n*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "This is ***fun***" },
		{ "a; n*0*=us-ascii'en'This%20is%20even%20more%20; n*1*=%2A%2A%2Afun%2A%2A%2A%20; n*2=\"isn't it!\"", "This is "
		                                                                                                      "even "
		                                                                                                      "more "
		                                                                                                      "***fun**"
		                                                                                                      "* isn't "
		                                                                                                      "it!" },
		{ "a; n*=iso-8859-1''caf%e9", "caf\xc3\xa9" },
		{ "a; n*=utf-8''%e2%82%ac%zz%4", "\xe2\x82\xac%zz%4" },
		{ "a; n*=''caf%c3%a9", "caf\xc3\xa9" },
		{ "a; n*=no-such-charset''caf%c3%a9", "caf\xc3\xa9" },
		{ "a; n*=\"plain\"", "plain" },
		{ "a; n=ascii; n*=utf-8''%c3%a9", "\xc3\xa9" },
		{ "a; n=\"=?utf-8?q?caf=C3=A9?=\"", "caf\xc3\xa9" },
		{ "a; n=caf\xe9", "caf\xc3\xa9" },
		{ "a; n*0=caf; n*1*=%C3%A9", "caf\xc3\xa9" },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct arena arena = ARENA_INIT(0);
		struct buf got = BUF_INIT(0);
		struct mime_content c;
		assert_int_equal(mime_disposition_parse(str_from_c(table[i].body), &arena, &c, NULL), 0);
		const struct mime_param *p = mime_param_find(&c, STR("n"));
		assert_non_null(p);
		mime_param_decode(p, &got);
		buf_add_char(&got, '\0');
		assert_string_equal(got.p, table[i].utf8);
		buf_fini(&got);
		arena_fini(&arena);
	}
}

static void test_limits(void **state)
{
	(void)state;
	struct arena arena = ARENA_INIT(0);
	struct buf body = BUF_INIT(0);
	struct mime_content c;
	uint32_t defects = 0;
	buf_add_c(&body, "a/b");
	for (int i = 0; i < MIME_PARAMS_MAX + 5; i++)
		buf_printf(&body, ";n*%d*=%%41", i);
	assert_int_equal(mime_content_type_parse(buf_str(&body), &arena, &c, &defects), 0);
	assert_true(defects & MIME_TOO_MANY_PARAMS);
	assert_int_equal(c.param_count, 1);
	assert_int_equal(c.param[0].value.n, 3 * MIME_PARAMS_MAX);
	static const char *const hostile[] = { ";a", ";", "=", "a=", "(", "\"", "a b", ";a=(", " a=" };
	for (size_t i = 0; i < COUNT(hostile); i++) {
		buf_reset(&body);
		buf_add_c(&body, "a/b;");
		while (body.n < 2 * MIME_PARAM_FIELD_MAX)
			buf_add_c(&body, hostile[i]);
		assert_int_equal(mime_content_type_parse(buf_str(&body), &arena, &c, &defects), 0);
	}
	buf_fini(&body);
	arena_fini(&arena);
}

static void test_lists(void **state)
{
	(void)state;
	/* RFC 3282 */
	struct str rest = STR(" en, (Mandarin) zh-Hant , ,\r\n de (x)"), tag;
	assert_true(mime_language_next(&rest, &tag) && str_eq(tag, STR("en")));
	assert_true(mime_language_next(&rest, &tag) && str_eq(tag, STR("zh-Hant")));
	assert_true(mime_language_next(&rest, &tag) && str_eq(tag, STR("de")));
	assert_false(mime_language_next(&rest, &tag));
	assert_true(str_eq(mime_token_parse(STR(" (x) Base64 (y)")), STR("Base64")));
	assert_true(str_eq(mime_token_parse(STR("7bit;")), STR("7bit")));
	assert_int_equal(mime_token_parse(STR(" ")).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),  cmocka_unit_test(test_no_types), cmocka_unit_test(test_disposition),
		cmocka_unit_test(test_decode), cmocka_unit_test(test_limits),   cmocka_unit_test(test_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
