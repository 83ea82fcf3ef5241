/* RFC 8970 5.1, and the text of HTML. */
#include "codec/mime/preview.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"
#include "codec/mime/html.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
	const char *html, *text;
} pages[] = {
	{ "plain", "plain" },
	{ "<b>bo</b>ld <i class=\"a>b\">it</i>", "bold it" },
	{ "<p>one</p><p>two", " one  two" },
	{ "a<br/>b<BR>c", "a b c" },
	{ "<td>x</td>", " x " },
	{ "<head><title>no</title></head>yes", "  yes" },
	{ "<STYLE>p > a { }</style>x<script>if (a</b) \"</div>\"</SCRIPT>y", "  x  y" },
	{ "<style>never closed", " " },
	{ "a<!-- <b>no</b> -->b<!-- open", "a b " },
	{ "<!DOCTYPE html><?xml?>x", "  x" },
	{ "1 < 2 && 3 > 2 <3 a<", "1 < 2 && 3 > 2 <3 a<" },
	{ "&lt;b&gt; &amp;amp; &quot;&apos; &eacute;&#233;&#xE9;&euro;", "<b> &amp; \"' "
	                                                                 "\xc3\xa9\xc3\xa9\xc3\xa9\xe2\x82\xac" },
	{ "&unknown; &; &# &#x; &#xzz; &amp", "&unknown; &; &# &#x; &#xzz; &amp" },
	{ "&#x110000;&#xd800;&#99999999;", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "<a href='x", "" },
	{ "", "" },
};

static void test_html(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pages); i++) {
		struct buf out = BUF_INIT(0);
		mime_html_text(str_from_c(pages[i].html), &out);
		buf_add_char(&out, '\0');
		assert_string_equal(out.p, pages[i].text);
		buf_fini(&out);
	}
}

static const struct {
	const char *message, *preview;
} previews[] = {
	{ "\r\n  two\r\n\r\n\t words  \r\n", "two words" },
	{ "\r\n", "" },
	{ "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9 "
	  "=\r\n=A0 x=\r\ny",
	  "caf\xc3\xa9 xy" },
	{ "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: "
	  "base64\r\n\r\nPHA+Y2Fmw6k8L3A+PHA+eDwvcD4=\r\n",
	  "caf\xc3\xa9 x" },
	{ "Content-Type: text/plain; charset=no-such\r\n\r\ncaf\xe9", "caf\xc3\xa9" },
	{ "Content-Type: image/png\r\n\r\nnot text", "" },
	{ "Content-Type: text/plain\r\nContent-Disposition: ATTACHMENT; filename=x\r\n\r\nnot shown", "" },
	{ "Content-Type: text/calendar\r\n\r\nnot shown", "" },
	{ "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
	  "image/png\r\n\r\nno\r\n--b\r\n\r\n\r\n--b\r\n"
	  "Content-Type: text/html\r\n\r\n<i>yes</i>\r\n--b\r\n\r\nlate\r\n--b--",
	  "yes" },
	{ "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ninside", "inside" },
	/* what hides text from previews */
	{ "Content-Type: text/html\r\n\r\n<div style=\"display:none\">&zwnj;&nbsp;&#847;&zwnj;&nbsp;</div>Real", "Real" },
	{ "\r\na\xe2\x80\x8b\xe2\x80\xa8\xe3\x80\x80"
	  "b\x01\x7f"
	  "c",
	  "a b c" },
};

static void test_previews(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(previews); i++) {
		struct arena arena = ARENA_INIT(0);
		struct buf out = BUF_INIT(0);
		struct mime_message m;
		assert_int_equal(mime_message_parse(str_from_c(previews[i].message), &arena, &m), 0);
		mime_preview_add(&m, &out);
		buf_add_char(&out, '\0');
		assert_string_equal(out.p, previews[i].preview);
		buf_fini(&out);
		arena_fini(&arena);
	}
}

static void test_length(void **state)
{
	(void)state;
	struct arena arena = ARENA_INIT(0);
	struct buf message = BUF_INIT(0), out = BUF_INIT(0);
	struct mime_message m;
	buf_add_c(&message, "\r\na");
	for (int i = 0; i < 5000; i++)
		buf_add_c(&message, "\xe2\x82\xac");
	assert_int_equal(mime_message_parse(buf_str(&message), &arena, &m), 0);
	mime_preview_add(&m, &out);
	assert_in_range(out.n, MIME_PREVIEW_MAX - 2, MIME_PREVIEW_MAX);
	assert_true(utf8_is_valid(buf_str(&out)));
	buf_fini(&out);
	buf_fini(&message);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_previews),
		cmocka_unit_test(test_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
