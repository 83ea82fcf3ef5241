#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "codec/mime/encode.h"
#include "codec/mime/message.h"
#include "codec/imap/section.h"

#define HEADER "Subject: one\r\nX-A: a\r\n b\r\nDate: now\r\n\r\n"
static const char message[] = HEADER "Hello\r\n";
static const char with_nul[] = "Subject: a\0b\r\n\r\nc\0d\r\n";

static const char encoded[] =
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nYQBi\r\nY2Q=\r\n--b\r\n"
	"Content-Transfer-Encoding: Quoted-Printable\r\n\r\na=3Db=\r\nc \r\n--b\r\nContent-Transfer-Encoding: x-strange\r\n\r\nz\r\n"
	"--b\r\nContent-Type: message/rfc822\r\n\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--b--\r\n";

static struct str fetch(struct arena *a, struct str text, const char *items, struct buf *scratch)
{
	struct mime_message m;
	struct mime_summary s;
	struct buf record = BUF_INIT(0);
	struct imap_cursor c;
	struct imap_fetch f;
	struct imap_located located;
	assert_int_equal(mime_message_parse(text, a, &m), 0);
	assert_int_equal(mime_summary_encode(&m, text, &record), 0);
	assert_int_equal(mime_summary_open(&s, arena_dup(a, buf_str(&record))), 0);
	buf_fini(&record);
	imap_cursor_init(&c, str_from_c(items), a, false);
	assert_true(imap_fetch_args(&c, &f) && f.section_count == 1);
	int err = imap_sections_locate(&f, &s, &located);
	if (err == ERR_UNSUPPORTED)
		return STR("(unknown)");
	assert_int_equal(err, 0);
	if (located.nil)
		return STR("(nil)");
	if (f.section->as == IMAP_AS_SIZE)
		return arena_printf(a, "%llu", (unsigned long long)imap_section_decoded_size(&located, text, scratch));
	if (f.section->as == IMAP_AS_DECODED)
		return imap_section_decoded(f.section, &located, text, scratch);
	return imap_section_octets(f.section, &located, text, s.defects & MIME_HAS_NUL, scratch);
}

static void check(struct str text, const char *items, struct str expected)
{
	struct arena a = ARENA_INIT(0);
	struct buf scratch = BUF_INIT(0);
	struct str got = fetch(&a, text, items, &scratch);
	if (!str_eq(got, expected))
		fail_msg("%s: %.*s", items, STR_ARG(got));
	buf_fini(&scratch);
	arena_fini(&a);
}

static void test_sections(void **state)
{
	(void)state;
	struct str m = str_from_c(message);
	check(m, "BODY[]", m);
	check(m, "RFC822", m);
	check(m, "RFC822.HEADER", STR(HEADER));
	check(m, "BODY[HEADER]", STR(HEADER));
	check(m, "BODY[TEXT]", STR("Hello\r\n"));
	check(m, "BODY[1]", STR("Hello\r\n"));
	check(m, "BODY[1.MIME]", STR(HEADER));
	check(m, "BODY[2]", STR("(nil)"));
	check(m, "BODY[1.TEXT]", STR("(nil)"));
	check(m, "BODY[HEADER.FIELDS (x-a)]", STR("X-A: a\r\n b\r\n\r\n"));
	check(m, "BODY[HEADER.FIELDS.NOT (x-a date)]", STR("Subject: one\r\n\r\n"));
	check(m, "BODY[HEADER.FIELDS (none)]", STR("\r\n"));
}

/* RFC 3501 6.4.5 */
static void test_partial(void **state)
{
	(void)state;
	struct str m = str_from_c(message);
	check(m, "BODY[TEXT]<0.3>", STR("Hel"));
	check(m, "BODY[TEXT]<3.100>", STR("lo\r\n"));
	check(m, "BODY[TEXT]<6.1>", STR("\n"));
	check(m, "BODY[TEXT]<7.1>", STR(""));
	check(m, "BODY[TEXT]<9223372036854775807.9223372036854775807>", STR(""));
	check(m, "BODY[TEXT]<1.9223372036854775807>", STR("ello\r\n"));
	check(m, "BODY[HEADER.FIELDS (x-a)]<2.4>", STR("A: a"));
}

/* RFC 3501 4.3: a literal has no NUL. */
static void test_nul(void **state)
{
	(void)state;
	struct str m = str_make(with_nul, sizeof(with_nul) - 1);
	check(m, "BODY[]", STR("Subject: a\x80" "b\r\n\r\nc\x80" "d\r\n"));
	check(m, "BODY[TEXT]", STR("c\x80" "d\r\n"));
	check(m, "BODY[HEADER.FIELDS (subject)]", STR("Subject: a\x80" "b\r\n\r\n"));
	check(m, "BODY[TEXT]<1.2>", STR("\x80" "d"));
}

/* RFC 3516 4.2 and 4.3: partials count in what was decoded. */
static void test_binary(void **state)
{
	(void)state;
	struct str m = str_make(encoded, sizeof(encoded) - 1), nul = str_make(with_nul, sizeof(with_nul) - 1);
	check(m, "BINARY[1]", STR("a\0bcd"));
	check(m, "BINARY.PEEK[1]<1.3>", STR("\0bc"));
	check(m, "BINARY[1]<4.9>", STR("d"));
	check(m, "BINARY[1]<5.9>", STR(""));
	check(m, "BINARY[1]<9223372036854775807.9223372036854775807>", STR(""));
	check(m, "BINARY.SIZE[1]", STR("5"));
	check(m, "BINARY[2]", STR("a=bc"));
	check(m, "BINARY.SIZE[2]", STR("4"));
	check(m, "BINARY[3]", STR("(unknown)"));
	check(m, "BINARY.SIZE[3]", STR("(unknown)"));
	check(m, "BINARY[4]", STR("Content-Transfer-Encoding: base64\r\n\r\neA=="));
	check(m, "BINARY[4.1]", STR("x"));
	check(m, "BINARY[5]", STR("(nil)"));
	check(m, "BINARY[]", m);
	check(nul, "BINARY[1]", STR("c\0d\r\n"));
	check(nul, "BINARY.SIZE[]", STR("21"));
}

/* Long parts are decoded in steps: every window is a slice of the whole. */
static void test_binary_windows(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct buf text = BUF_INIT(0), scratch = BUF_INIT(0), content = BUF_INIT(0);
	for (unsigned i = 0; i < 100000; i++)
		buf_add_u8(&content, (uint8_t)(i * 7 + i / 251));
	buf_add_lit(&text, "Content-Transfer-Encoding: base64\r\n\r\n");
	mime_encode_base64(buf_str(&content), &text);
	static const struct { uint64_t at, n; } windows[] = { { 0, 10 }, { 36000, 5000 }, { 99990, 100 }, { 50000, 60000 }, { 1, 99999 } };
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		char items[60];
		snprintf(items, sizeof(items), "BINARY[1]<%llu.%llu>", (unsigned long long)windows[i].at, (unsigned long long)windows[i].n);
		struct str got = fetch(&a, buf_str(&text), items, &scratch);
		assert_true(str_eq(got, str_sub(buf_str(&content), windows[i].at, windows[i].n)));
	}
	assert_true(str_eq(fetch(&a, buf_str(&text), "BINARY.SIZE[1]", &scratch), STR("100000")));
	assert_true(scratch.n < 50000);
	buf_fini(&text);
	buf_fini(&scratch);
	buf_fini(&content);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections), cmocka_unit_test(test_partial), cmocka_unit_test(test_nul),
		cmocka_unit_test(test_binary), cmocka_unit_test(test_binary_windows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
