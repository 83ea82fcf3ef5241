/* RFC 6152 3, RFC 3030 3, RFC 2045 6.4 (no encoding of composite types), RFC 1847 2.1 (signed parts). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "codec/mime/downgrade.h"

#define M "MIME-Version: 1.0\r\n"

static void test_downgrade(void **state)
{
	(void)state;
	static const struct { const char *name, *in, *out; } cases[] = {
		{ "a plain message stays", "Subject: x\r\n\r\nhello\r\n", "Subject: x\r\n\r\nhello\r\n" },
		{ "text", M "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nSubject: x\r\n\r\nA green gr\303\274n field.\r\n",
		  M "Content-Type: text/plain; charset=utf-8\r\nSubject: x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nA green gr=C3=BCn field.\r\n" },
		{ "mostly not ASCII", M "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\303\244\303\244\303\244\r\n",
		  M "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nw6TDpMOkDQo=\r\n" },
		{ "no MIME at all", "Subject: x\r\n\r\nA green gr\374n field.\r\n",
		  "Subject: x\r\n" M "Content-Type: text/plain; charset=unknown-8bit\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
		  "A green gr=FCn field.\r\n" },
		{ "a wrong label goes", M "Content-Transfer-Encoding: 8bit\r\nContent-Type: text/plain\r\n\r\nx\r\n",
		  M "Content-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\n\r\nx\r\n" },
		{ "parts", M "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\npre\r\n--b\r\n\r\nfine\r\n--b\r\n"
		  "Content-Type: text/plain; charset=utf-8\r\n\r\nsome words \303\244\r\n--b\r\nContent-Type: application/pdf\r\n"
		  "Content-Transfer-Encoding: binary\r\n\r\n\001\002\r\n--b--\r\nepilogue\r\n",
		  M "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\npre\r\n--b\r\n\r\nfine\r\n--b\r\n"
		  "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nsome words =C3=A4\r\n--b\r\n"
		  "Content-Type: application/pdf\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\001\002\r\n--b--\r\nepilogue\r\n" },
		{ "a message inside", M "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
		  M "Content-Type: text/plain; charset=utf-8\r\n\r\nlong enough \303\244\r\n",
		  M "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
		  M "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nlong enough =C3=A4\r\n" },
		{ "a signed part that is 7bit stays", M "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
		  "Content-Type: multipart/signed; boundary=c\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b\r\n\r\nsome words \303\244\r\n--b--\r\n",
		  M "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
		  "Content-Type: multipart/signed; boundary=c\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b\r\n"
		  "Content-Type: text/plain; charset=unknown-8bit\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nsome words =C3=A4\r\n--b--\r\n" },
		{ "bare line ends", M "Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\na\nb\rc\r\n",
		  M "Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=0Ab=0Dc\r\n" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out = BUF_INIT(0);
		const char *why;
		int r = mime_downgrade(str_from_c(cases[i].in), &out, &why);
		if (r || !str_eq(buf_str(&out), str_from_c(cases[i].out)))
			fail_msg("%s: %d %s: '%.*s'", cases[i].name, r, why ? why : "", STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

static void test_impossible(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"Subject: gr\374n\r\n\r\nx\r\n",
		M "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n\303\244\r\n--b--\r\n",
		M "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Description: \303\244\r\n\r\nx\r\n--b--\r\n",
		M "Content-Type: multipart/mixed; boundary=b\r\n\r\n\303\244\r\n--b\r\n\r\nx\r\n--b--\r\n",
		M "Content-Type: message/partial\r\n\r\n\303\244\r\n",
		M "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n\303\244\r\n",
		M "Content-Type: text/plain\r\nContent-Transfer-Encoding: x-own\r\n\r\n\303\244\r\n",
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out = BUF_INIT(0);
		const char *why;
		if (mime_downgrade(str_from_c(cases[i]), &out, &why) != ERR_UNSUPPORTED || !why)
			fail_msg("case %zu: '%.*s'", i, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_downgrade), cmocka_unit_test(test_impossible) };
	return cmocka_run_group_tests_name("mime/downgrade", tests, NULL, NULL);
}
