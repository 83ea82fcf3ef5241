#include "codec/mime/nul.h"

#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void test_encode(void **state)
{
	(void)state;
	static const struct { struct str in, out; } table[] = {
		{ STR_INIT("Subject: x\r\n\r\na\0b"),
		  STR_INIT("Subject: x\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\nYQBi\r\n") },
		{ STR_INIT("MIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\nSubject: x\r\n\r\n\0"),
		  STR_INIT("MIME-Version: 1.0\r\nSubject: x\r\nContent-Transfer-Encoding: base64\r\n\r\nAA==\r\n") },
		/* One part of three; the line end before the boundary is not the part's. */
		{ STR_INIT("Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\npre\r\n--b\r\n\r\none\n\r\n--b\r\n"
				   "Content-Type: image/x\r\ncontent-transfer-encoding: BINARY\r\n\r\n\0\1\2\r\n\r\n--b\r\n\r\n\xe4\r\n--b--\r\nepi"),
		  STR_INIT("Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\npre\r\n--b\r\n\r\none\n\r\n--b\r\n"
				   "Content-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECDQo=\r\n--b\r\n\r\n\xe4\r\n--b--\r\nepi") },
		/* In a message inside. */
		{ STR_INIT("Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\n\0"),
		  STR_INIT("Content-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Transfer-Encoding: base64\r\n\r\nAA==\r\n") },
		{ STR_INIT("Subject: none\r\n\r\nx"), STR_INIT("Subject: none\r\n\r\nx") },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct buf out = BUF_INIT(0);
		const char *why;
		assert_int_equal(mime_nul_encode(table[i].in, &out, &why), 0);
		assert_null(why);
		if (!str_eq(buf_str(&out), table[i].out))
			fail_msg("%zu:\n%.*s", i, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const struct str table[] = {
		STR_INIT("Subject: \0\r\n\r\nx"),
		STR_INIT("Content-Type: multipart/mixed; boundary=b\r\n\r\n\0\r\n--b\r\n\r\none\r\n--b--\r\n"),
		STR_INIT("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n\0"),
		STR_INIT("Content-Transfer-Encoding: base64\r\n\r\nYQ\0Bi\r\n"),
		STR_INIT("Content-Transfer-Encoding: quoted-printable\r\n\r\n\0"),
		STR_INIT("Content-Transfer-Encoding: x-strange\r\n\r\n\0"),
		STR_INIT("Content-Type: message/partial; id=1; number=1\r\n\r\n\0"),
		STR_INIT("no header\0"),
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct buf out = BUF_INIT(0);
		const char *why = NULL;
		if (mime_nul_encode(table[i], &out, &why) != ERR_UNSUPPORTED || !why)
			fail_msg("%zu", i);
		buf_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_encode), cmocka_unit_test(test_refused) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
