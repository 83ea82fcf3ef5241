/* Where foreign mail lies, as operators write it. */
#include "migrate/place.h"

#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void what_can_be_read(void **state)
{
	(void)state;
	static const struct { const char *text, *user, *host; unsigned port; bool pop3, tls; } t[] = {
		{ "imaps://joe@old.example.net", "joe", "old.example.net", 993, false, true },
		{ "IMAP://joe@old.example.net/", "joe", "old.example.net", 143, false, false },
		{ "pop3s://joe@example.org@old:9995", "joe@example.org", "old", 9995, true, true },
		{ "pop3://a%3Ab%25%2f@[::1]:110", "a:b%/", "::1", 110, true, false },
		{ "imap://h", "", "h", 143, false, false },
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct place p;
		struct err e = { 0 };
		if (place_parse(t[i].text, &p, &e))
			fail_msg("%s: %s", t[i].text, e.log);
		assert_string_equal(p.user, t[i].user);
		assert_string_equal(p.host, t[i].host);
		assert_int_equal(p.port, t[i].port);
		assert_true(p.pop3 == t[i].pop3 && p.implicit_tls == t[i].tls && !place_is_pipe(&p));
	}
}

/* What is refused is told, but not with the password that somebody may have put there. */
static void what_cannot(void **state)
{
	(void)state;
	static const char *const t[] = {
		"imaps://joe:se-cret@h", "imapss://joe:se-cret@h", "imap:/joe:se-cret@h", "smtp://joe:se-cret@h", "joe:se-cret@h", "imaps//joe:se-cret@h", " imaps://joe:se-cret@h",
		"imaps://joe:se-cret@h/INBOX", "imaps://joe:se@cret@h", "imaps://h:0", "imaps://h:65536", "imaps://h:", "imaps://", "imaps://joe@", "imaps://[::1", "imaps://joe%0a@h",
		"imaps://joe%4@h", "imaps://h h", "imap-pipe:", "",
	};
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct place p;
		struct err e = { 0 };
		assert_int_equal(place_parse(t[i], &p, &e), ERR_INVALID);
		assert_true(e.log[0] != '\0');
		if (strstr(e.log, "cret"))
			fail_msg("%s: %s", t[i], e.log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_can_be_read), cmocka_unit_test(what_cannot) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
