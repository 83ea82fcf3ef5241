/* The example tree of RFC 9051 6.4.5.1. */
#include "codec/mime/section.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

#define HEADER(type) "Content-Type: " type "\r\n\r\n"
#define MULTI(subtype, b) HEADER("multipart/" subtype "; boundary=" b)

#define INNER3                                                                                                         \
	"--c\r\n" HEADER("text/plain; x=31") "body 3.1\r\n--c\r\n" HEADER("application/octet-stream") "body 3.2\r\n--c--"
#define ALT422 "--f\r\n" HEADER("text/plain") "body 4.2.2.1\r\n--f\r\n" HEADER("text/richtext") "body 4.2.2.2\r\n--f--"
#define INNER42 "--e\r\n" HEADER("text/plain") "body 4.2.1\r\n--e\r\n" MULTI("alternative", "f") ALT422 "\r\n--e--"
#define PART4                                                                                                          \
	"--d\r\n" HEADER("image/gif") "body 4.1\r\n--d\r\n" HEADER("message/rfc822") "Subject: 4.2\r\n" MULTI(             \
	    "mixed", "e") INNER42 "\r\n--d--"
#define TEXT                                                                                                           \
	"--b\r\n" HEADER("text/plain") "body 1\r\n--b\r\n" HEADER("application/octet-stream") "body 2\r\n--b\r\n" HEADER(  \
	    "message/rfc822") "Subject: 3\r\n" MULTI("mixed", "c") INNER3 "\r\n--b\r\n" MULTI("mixed", "d") PART4 "\r\n--" \
	                                                                                                          "b--"    \
	                                                                                                          "\r\n"
#define MESSAGE "Subject: all\r\n" MULTI("mixed", "b") TEXT

struct expectation {
	const char *path; /* digits */
	enum mime_section_kind kind;
	const char *bytes; /* NULL: there is no such section */
};

static const struct expectation complex_table[] = {
	{ "", MIME_SECTION_ALL, MESSAGE },
	{ "", MIME_SECTION_HEADER, "Subject: all\r\n" MULTI("mixed", "b") },
	{ "", MIME_SECTION_TEXT, TEXT },
	{ "1", MIME_SECTION_ALL, "body 1" },
	{ "1", MIME_SECTION_MIME, HEADER("text/plain") },
	{ "1", MIME_SECTION_HEADER, NULL },
	{ "1", MIME_SECTION_TEXT, NULL },
	{ "2", MIME_SECTION_ALL, "body 2" },
	{ "3", MIME_SECTION_ALL, "Subject: 3\r\n" MULTI("mixed", "c") INNER3 },
	{ "3", MIME_SECTION_MIME, HEADER("message/rfc822") },
	{ "3", MIME_SECTION_HEADER, "Subject: 3\r\n" MULTI("mixed", "c") },
	{ "3", MIME_SECTION_TEXT, INNER3 },
	{ "31", MIME_SECTION_ALL, "body 3.1" },
	{ "31", MIME_SECTION_MIME, HEADER("text/plain; x=31") },
	{ "32", MIME_SECTION_ALL, "body 3.2" },
	{ "4", MIME_SECTION_ALL, PART4 },
	{ "4", MIME_SECTION_MIME, MULTI("mixed", "d") },
	{ "4", MIME_SECTION_HEADER, NULL },
	{ "41", MIME_SECTION_ALL, "body 4.1" },
	{ "41", MIME_SECTION_MIME, HEADER("image/gif") },
	{ "42", MIME_SECTION_HEADER, "Subject: 4.2\r\n" MULTI("mixed", "e") },
	{ "42", MIME_SECTION_TEXT, INNER42 },
	{ "421", MIME_SECTION_ALL, "body 4.2.1" },
	{ "422", MIME_SECTION_ALL, ALT422 },
	{ "4221", MIME_SECTION_ALL, "body 4.2.2.1" },
	{ "4222", MIME_SECTION_ALL, "body 4.2.2.2" },
	{ "4222", MIME_SECTION_MIME, HEADER("text/richtext") },
	{ "0", MIME_SECTION_ALL, NULL },
	{ "5", MIME_SECTION_ALL, NULL },
	{ "11", MIME_SECTION_ALL, NULL },
	{ "33", MIME_SECTION_ALL, NULL },
	{ "411", MIME_SECTION_ALL, NULL },
	{ "42211", MIME_SECTION_ALL, NULL },
};

/* "Every message has at least one part number." */
static const struct expectation plain_table[] = {
	{ "", MIME_SECTION_TEXT, "body\r\n" },
	{ "1", MIME_SECTION_ALL, "body\r\n" },
	{ "1", MIME_SECTION_MIME, "Subject: plain\r\n\r\n" },
	{ "1", MIME_SECTION_HEADER, NULL },
	{ "2", MIME_SECTION_ALL, NULL },
	{ "11", MIME_SECTION_ALL, NULL },
};

/* a message that is a message/rfc822 with a text inside */
static const struct expectation forward_table[] = {
	{ "", MIME_SECTION_HEADER, HEADER("message/rfc822") },
	{ "", MIME_SECTION_TEXT, "Subject: in\r\n\r\nbody\r\n" },
	{ "1", MIME_SECTION_ALL, "Subject: in\r\n\r\nbody\r\n" },
	{ "1", MIME_SECTION_MIME, HEADER("message/rfc822") },
	{ "1", MIME_SECTION_HEADER, "Subject: in\r\n\r\n" },
	{ "1", MIME_SECTION_TEXT, "body\r\n" },
	{ "11", MIME_SECTION_ALL, "body\r\n" },
	{ "11", MIME_SECTION_MIME, "Subject: in\r\n\r\n" },
	{ "11", MIME_SECTION_TEXT, NULL },
	{ "12", MIME_SECTION_ALL, NULL },
	{ "111", MIME_SECTION_ALL, NULL },
};

static void check(struct str message, const struct expectation *table, size_t n)
{
	struct arena arena = ARENA_INIT(0);
	struct buf record = BUF_INIT(0);
	struct mime_message m;
	struct mime_summary s;
	assert_int_equal(mime_message_parse(message, &arena, &m), 0);
	assert_int_equal(mime_summary_encode(&m, message, &record), 0);
	assert_int_equal(mime_summary_open(&s, buf_str(&record)), 0);
	for (size_t i = 0; i < n; i++) {
		uint32_t path[8];
		struct mime_section got;
		size_t count = strlen(table[i].path);
		for (size_t k = 0; k < count; k++)
			path[k] = (uint32_t)(table[i].path[k] - '0');
		int error = mime_section_find(&s, path, count, table[i].kind, &got);
		if (error != (table[i].bytes ? 0 : ERR_NOT_FOUND))
			fail_msg("%s %d: %d", table[i].path, table[i].kind, error);
		if (!error && !str_eq(str_sub(message, got.at, got.n), str_from_c(table[i].bytes)))
			fail_msg("%s %d: %.*s", table[i].path, table[i].kind, STR_ARG(str_sub(message, got.at, got.n)));
	}
	struct mime_section got;
	assert_int_equal(mime_section_find(&s, NULL, 0, MIME_SECTION_MIME, &got), ERR_INVALID);
	buf_fini(&record);
	arena_fini(&arena);
}

static void test_complex(void **state)
{
	(void)state;
	check(STR(MESSAGE), complex_table, COUNT(complex_table));
}

static void test_simple(void **state)
{
	(void)state;
	check(STR("Subject: plain\r\n\r\nbody\r\n"), plain_table, COUNT(plain_table));
	check(STR(HEADER("message/rfc822") "Subject: in\r\n\r\nbody\r\n"), forward_table, COUNT(forward_table));
}

static void test_part(void **state)
{
	(void)state;
	struct arena arena = ARENA_INIT(0);
	struct buf record = BUF_INIT(0);
	struct mime_message m;
	struct mime_summary s;
	struct mime_summary_part part;
	assert_int_equal(mime_message_parse(STR(MESSAGE), &arena, &m), 0);
	assert_int_equal(mime_summary_encode(&m, STR(MESSAGE), &record), 0);
	assert_int_equal(mime_summary_open(&s, buf_str(&record)), 0);
	assert_int_equal(mime_section_part(&s, (uint32_t[]){ 4, 2, 2, 2 }, 4, &part), 0);
	assert_true(str_eq(mime_text_str(part.subtype), STR("richtext")));
	assert_int_equal(mime_section_part(&s, NULL, 0, &part), 0);
	assert_int_equal(part.index, 0);
	buf_fini(&record);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complex),
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
