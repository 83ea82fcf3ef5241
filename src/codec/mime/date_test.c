/* RFC 5322 3.3, 4.3 and the dates of appendix A. */
#include "codec/mime/date.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_good(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		int64_t unix_seconds;
		int zone;
		bool known;
	} table[] = {
		/* the seconds were computed with date -d of GNU coreutils */
		{ "Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360, true },
		{ "Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120, true },
		{ "Thu, 13 Feb 1969 23:32:54 -0330", -27723426, -210, true },
		{ "Thu,\r\n         13\r\n           Feb\r\n             1969\r\n         23:32\r\n                  -0330 "
		  "(Newfoundland Time)",
		  -27723480, -210, true },
		{ "21 Nov 97 09:55:06 GMT", 880106106, 0, true },
		{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360, true },
		/* 4.3: names of zones */
		{ "1 Jan 2000 00:00:00 UT", 946684800, 0, true },
		{ "1 Jan 2000 00:00:00 EST", 946702800, -300, true },
		{ "1 Jan 2000 00:00:00 EDT", 946699200, -240, true },
		{ "1 Jan 2000 00:00:00 CST", 946706400, -360, true },
		{ "1 Jan 2000 00:00:00 CDT", 946702800, -300, true },
		{ "1 Jan 2000 00:00:00 MST", 946710000, -420, true },
		{ "1 Jan 2000 00:00:00 MDT", 946706400, -360, true },
		{ "1 Jan 2000 00:00:00 PST", 946713600, -480, true },
		{ "1 Jan 2000 00:00:00 pdt", 946710000, -420, true },
		{ "1 Jan 2000 00:00:00 A", 946684800, 0, false },
		{ "1 Jan 2000 00:00:00 Z", 946684800, 0, false },
		{ "1 Jan 2000 00:00:00 MEZ", 946684800, 0, false },
		{ "1 Jan 2000 00:00:00 -0000", 946684800, 0, false },
		{ "1 Jan 2000 00:00:00", 946684800, 0, false },
		/* 4.3: years of two and three digits */
		{ "1 Jan 00 00:00:00 +0000", 946684800, 0, true },
		{ "1 Jan 49 00:00:00 +0000", 2493072000, 0, true },
		{ "1 Jan 50 00:00:00 +0000", -631152000, 0, true },
		{ "1 Jan 99 00:00:00 +0000", 915148800, 0, true },
		{ "1 Jan 100 00:00:00 +0000", 946684800, 0, true },
		/* leap years, leap seconds, the year's last moment */
		{ "29 Feb 2000 12:00:00 +0000", 951825600, 0, true },
		{ "31 Dec 2016 23:59:60 +0000", 1483228800, 0, true },
		{ "31 Dec 2016 23:59:59 -1200", 1483271999, -720, true },
		{ "1 Jan 2038 00:00:00 +1400", 2145866400, 840, true },
		/* what is seen all the same */
		{ "Mon, 01 Jan 2000 00:00:00 +0000", 946684800, 0, true },
		{ "Saturday, 1 January 2000 00:00:00 +0000", 946684800, 0, true },
		{ "Sat 1 Jan 2000 00:00:00 +0000", 946684800, 0, true },
		{ "Sat,1 Jan 2000 00:00 +0000", 946684800, 0, true },
		{ "1-Jan-2000 00:00:00 +0000", 946684800, 0, true },
		{ "Sat Jan  1 00:00:00 2000", 946684800, 0, false },
		{ "Sat Jan  1 00:00:00 EST 2000", 946702800, -300, true },
		{ "1 Jan 2000 00:00:00.123 +0000", 946684800, 0, true },
		{ "(first) 1 (second) Jan (third) 2000 (4) 00:00:00 (5) +0000", 946684800, 0, true },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct mime_date date;
		if (mime_date_parse(str_from_c(table[i].body), &date))
			fail_msg("refused: %s", table[i].body);
		if (date.unix_seconds != table[i].unix_seconds || date.zone_minutes != table[i].zone ||
		    date.zone_known != table[i].known)
			fail_msg("%s: %lld %d", table[i].body, (long long)date.unix_seconds, date.zone_minutes);
	}
}

static void test_bad(void **state)
{
	(void)state;
	static const char *const table[] = {
		"",
		"yesterday",
		"Fri,",
		"31 Apr 2000 00:00:00 +0000",
		"29 Feb 1900 00:00:00 +0000",
		"0 Jan 2000 00:00:00 +0000",
		"1 Jan 2000 24:00:00 +0000",
		"1 Jan 2000 00:60:00 +0000",
		"1 Jan 2000 00:00:61 +0000",
		"1 Jan 2000",
		"1 Foo 2000 00:00:00 +0000",
		"1 Jan 1899 00:00:00 +0000",
		"1 Jan 20000 00:00:00 +0000",
		"1 Jan 2 00:00:00 +0000",
		"100 Jan 2000 00:00:00 +0000",
		"1 Jan 2000 00 +0000",
		"1 Jan 2000 000:00:00 +0000",
		"2000-01-01T00:00:00Z",
		"Jan",
		"1 Ja",
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct mime_date date;
		if (mime_date_parse(str_from_c(table[i]), &date) != ERR_INVALID)
			fail_msg("accepted: %s", table[i]);
	}
}

static void test_format(void **state)
{
	(void)state;
	static const struct {
		int64_t unix_seconds;
		int zone;
		const char *text;
	} table[] = {
		{ 880127706, -360, "Fri, 21 Nov 1997 09:55:06 -0600" },
		{ -27723426, -210, "Thu, 13 Feb 1969 23:32:54 -0330" },
		{ 0, 0, "Thu, 01 Jan 1970 00:00:00 +0000" },
		{ 951825600, 345, "Tue, 29 Feb 2000 17:45:00 +0545" },
	};
	for (size_t i = 0; i < COUNT(table); i++) {
		struct buf out = BUF_INIT(0);
		struct mime_date date;
		mime_date_format(table[i].unix_seconds, table[i].zone, &out);
		assert_true(str_eq(buf_str(&out), str_from_c(table[i].text)));
		assert_int_equal(mime_date_parse(buf_str(&out), &date), 0);
		assert_true(date.unix_seconds == table[i].unix_seconds && date.zone_minutes == table[i].zone);
		buf_fini(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_format),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
