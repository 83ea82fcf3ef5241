/* RFC 3463 section 2 and 3, RFC 2034 section 4, RFC 5248. */
#include "codec/smtp/status.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void test_parse(void **state)
{
	(void)state;
	static const char *const good[] = { "2.0.0", "4.4.1", "5.1.10", "5.999.999", "4.7.30" };
	static const char *const bad[] = { "", "5", "5.1", "5.1.", "5..1", ".1.1", "3.0.0", "1.0.0", "6.1.1", "5.01.1", "5.1.00", "5.1000.1", "5.1.1 ", " 5.1.1",
									   "5.1.1.1", "55.1.1", "5.-1.1", "5.1.a" };
	char text[SMTP_STATUS_TEXT_MAX];
	struct smtp_status s;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(smtp_status_parse(str_from_c(good[i]), &s));
		assert_int_equal(smtp_status_format(s, text), strlen(good[i]));
		assert_string_equal(text, good[i]);
	}
	s = (struct smtp_status){ 2, 7, 9 };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(smtp_status_parse(str_from_c(bad[i]), &s));
	assert_true(s.class == 2 && s.subject == 7 && s.detail == 9);
}

static void test_take(void **state)
{
	(void)state;
	static const struct { const char *text, *rest; } t[] = {
		{ "5.1.1 No such user", "No such user" }, { "5.1.1", "" }, { "4.7.1  two", " two" }, { "5.1.1\r\n5.1.1 more", "\r\n5.1.1 more" },
		{ "5.1.1-No", NULL }, { "Sorry, 5.1.1", NULL }, { "5.1.1: no", NULL }, { "", NULL }, { "5.1.1.2 no", NULL },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct str rest = str_from_c(t[i].text);
		struct smtp_status s;
		assert_true(smtp_status_take(&rest, &s) == (t[i].rest != NULL));
		assert_true(str_eq(rest, str_from_c(t[i].rest ? t[i].rest : t[i].text)));
	}
}

static void test_of_reply(void **state)
{
	(void)state;
	static const struct { unsigned code; const char *text, *status; } t[] = {
		{ 250, "Ok", "2.0.0" }, { 550, "no", "5.0.0" }, { 550, "5.1.1 no", "5.1.1" }, { 450, "5.1.1 no", "4.2.0" }, { 421, "", "4.3.2" },
		{ 554, "5.7.1", "5.7.1" }, { 552, "full", "5.2.2" }, { 556, "null MX", "5.1.10" }, { 499, "?", "4.0.0" }, { 599, "?", "5.0.0" },
	};
	char text[SMTP_STATUS_TEXT_MAX];

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		smtp_status_format(smtp_status_of_text(t[i].code, str_from_c(t[i].text)), text);
		assert_string_equal(text, t[i].status);
	}
}

/* Every code has words: whole sentences in ASCII that fit a line of a notice; what nobody registered has those of its subject. */
static void test_explain(void **state)
{
	(void)state;
	for (unsigned short subject = 0; subject < 9; subject++)
		for (unsigned short detail = 0; detail < 40; detail++) {
			struct smtp_status_words w = smtp_status_explain((struct smtp_status){ 5, subject, detail });
			size_t n = strlen(w.what);
			assert_true(n > 10 && w.what[n - 1] == '.');
			assert_true(!*w.advice || w.advice[strlen(w.advice) - 1] == '.');
		}
	assert_string_equal(smtp_status_explain((struct smtp_status){ 5, 1, 1 }).what, "There is no mailbox with this address.");
	assert_string_equal(smtp_status_explain((struct smtp_status){ 5, 2, 99 }).what, smtp_status_explain((struct smtp_status){ 5, 2, 0 }).what);
	assert_string_equal(smtp_status_explain((struct smtp_status){ 4, 4, 7 }).what, smtp_status_explain((struct smtp_status){ 5, 4, 7 }).what);
	assert_string_equal(smtp_status_explain((struct smtp_status){ 5, 77, 1 }).what, smtp_status_explain((struct smtp_status){ 5, 0, 0 }).what);
	assert_string_equal(smtp_status_explain((struct smtp_status){ 2, 0, 0 }).what, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_take), cmocka_unit_test(test_of_reply), cmocka_unit_test(test_explain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
