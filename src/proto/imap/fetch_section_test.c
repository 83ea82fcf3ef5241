#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "codec/mime/message.h"
#include "proto/imap/fetch_section.h"

#define HEADER "Subject: one\r\nX-A: a\r\n b\r\nDate: now\r\n\r\n"
static const char message[] = HEADER "Hello\r\n";
static const char with_nul[] = "Subject: a\0b\r\n\r\nc\0d\r\n";

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
	assert_int_equal(imap_sections_locate(&f, &s, &located), 0);
	if (located.nil)
		return STR("(nil)");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections), cmocka_unit_test(test_partial), cmocka_unit_test(test_nul),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
