/* mbox (RFC 4155 and mboxrd) and Maildir, in and out. */
#include "cli/mailsink.h"
#include "cli/mailsource.h"
#include "model/model.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void test_from_date(void **state)
{
	(void)state;
	assert_int_equal(mbox_from_date(STR("From a@b Thu Aug 22 12:36:23 2002"), 7), 1030019783);
	assert_int_equal(mbox_from_date(STR("From a@b  Thu Jan  1 00:00:01 1970\r"), 7), 1);
	static const char *const bad[] = { "From a@b", "From ", "From x Thu Foo 22 12:36:23 2002", "From x Thu Aug 32 12:36:23 2002", "From x Thu ugS 2 12:36:23 2002" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(mbox_from_date(str_from_c(bad[i]), 7), 7);
}

static void test_unquote(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0);

	mbox_unquote(STR(">From a\n>>From b\n> From c\nx >From d\n>"), &b);
	assert_true(str_eq(buf_str(&b), STR("From a\n>From b\n> From c\nx >From d\n>")));
	buf_fini(&b);
}

static void test_flags(void **state)
{
	(void)state;
	assert_int_equal(mbox_status_flags(STR("A: b\nStatus: RO\nX-Status: AF\n\nStatus: x\n")), MESSAGE_SEEN | MESSAGE_ANSWERED | MESSAGE_FLAGGED);
	assert_int_equal(mbox_status_flags(STR("A: b\n\nStatus: RO\n")), 0);
	assert_int_equal(maildir_flags(STR("1.a.b:2,DFRST")), 31);
	assert_int_equal(maildir_flags(STR("1.a.b:2,")), 0);
	assert_int_equal(maildir_flags(STR("1.S.b")), 0);
	assert_int_equal(maildir_keyword_letters(STR("1.a.b:2,FSacz")), 1u | 1u << 2 | 1u << 25);
	assert_int_equal(maildir_keyword_letters(STR("1.a.b")), 0);
	struct str names[MAILDIR_KEYWORDS];
	maildir_keyword_names(STR("0 $Forwarded\n1 NonJunk\r\n26 TooFar\nx y\n3 not an atom\n25 z\n4"), names);
	assert_true(str_eq(names[0], STR("$Forwarded")) && str_eq(names[1], STR("NonJunk")) && str_eq(names[25], STR("z")) && names[3].n == 0 && names[4].n == 0);
}

static void test_folders(void **state)
{
	(void)state;
	static const struct { const char *dir, *name; } t[] = {
		{ ".Archive.2026", "Archive/2026" }, { ".&BB4EQg-", "\xd0\x9e\xd1\x82" }, { ".a&AC4-b", "a.b" }, { ".x&-y", "x&y" }, { "..", NULL }, { ".", NULL },
		{ "cur", NULL }, { ".a..b", NULL }, { ".a.", NULL }, { ".&x", NULL } };

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct buf b = BUF_INIT(0);
		assert_true(maildir_folder_name(str_from_c(t[i].dir), &b) == (t[i].name != NULL));
		if (t[i].name)
			assert_true(str_eq(buf_str(&b), str_from_c(t[i].name)));
		buf_fini(&b);
	}
}

static const struct { const char *text; int64_t date; uint64_t flags; } mails[] = {
	{ "Subject: one\r\n\r\nFrom here\r\n>From there\r\n", 1000000000, MESSAGE_SEEN },
	{ "Subject: two\r\n\r\n", 1100000000, 0 },
	{ "Subject: three\r\n\r\nlast line\r\n\r\n\r\n", 1200000000, MESSAGE_FLAGGED | MESSAGE_DRAFT },
};

/* What goes out comes in again, but for line ends. */
static void round_trip(enum mailsink_kind kind, const char *inside)
{
	char dir[] = "/tmp/troika-mail-XXXXXX", path[64], in[128], clean[160];
	struct mailsink *sink;
	struct mailsource *source;
	struct mailsource_message m;
	struct err e = { 0 };
	size_t n = 0;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/out", dir);
	assert_int_equal(mailsink_create(path, kind, &sink, &e), 0);
	assert_int_equal(mailsink_mailbox(sink, STR("A/b.c"), &e), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(mailsink_message(sink, str_from_c(mails[i].text), mails[i].flags, mails[i].date, (uint32_t)i + 1, &e), 0);
	assert_int_equal(mailsink_close(&sink, &e), 0);
	snprintf(in, sizeof in, "%s/%s", path, inside);
	assert_int_equal(mailsource_open(in, &source, &e), 0);
	unsigned seen = 0;
	while (mailsource_next(source, &m, &e) == 1) {
		for (size_t i = 0; i < 3; i++) {
			struct buf crlf = BUF_INIT(0);
			for (size_t k = 0; k < m.raw.n; k++) {
				if (m.raw.p[k] == '\n')
					buf_add_char(&crlf, '\r');
				buf_add_char(&crlf, m.raw.p[k]);
			}
			if (str_eq(buf_str(&crlf), str_from_c(mails[i].text))) {
				seen |= 1u << i;
				assert_int_equal(m.date, mails[i].date);
				if (kind == MAILSINK_MAILDIR) {
					assert_int_equal(m.flags, mails[i].flags);
					assert_string_equal(m.mailbox, "A/b.c");
				}
			}
			buf_fini(&crlf);
		}
		buf_fini(&m.raw);
		n++;
	}
	assert_int_equal(n, 3);
	assert_int_equal(seen, 7);
	mailsource_close(&source);
	snprintf(clean, sizeof clean, "rm -rf %s", dir);
	assert_int_equal(system(clean), 0);
}

static void test_mbox_round_trip(void **state)
{
	(void)state;
	round_trip(MAILSINK_MBOX, "A.b&AC4-c.mbox");
}

static void test_maildir_round_trip(void **state)
{
	(void)state;
	round_trip(MAILSINK_MAILDIR, "");
}

/* A file's name has 255 octets at the most, a mailbox's up to 1000, and more of them in modified UTF-7. What is cut stays apart from what is cut alike. */
static void test_long_names(void **state)
{
	(void)state;
	enum mailsink_kind kinds[] = { MAILSINK_MBOX, MAILSINK_MAILDIR };

	for (size_t k = 0; k < 2; k++) {
		char dir[] = "/tmp/troika-mail-XXXXXX", path[64], clean[160], name[1001] = "";
		struct mailsink *sink;
		struct err e = { 0 };
		assert_non_null(mkdtemp(dir));
		snprintf(path, sizeof path, "%s/out", dir);
		assert_int_equal(mailsink_create(path, kinds[k], &sink, &e), 0);
		for (size_t i = 0; i < 450; i++)
			memcpy(name + 2 * i, "\xd0\xb9", 2);
		for (char last = 'a'; last <= 'c'; last++) {
			name[900] = last;
			assert_int_equal(mailsink_mailbox(sink, str_from_c(name), &e), 0);
			assert_true(mailsink_is_shortened(sink));
			assert_int_equal(mailsink_message(sink, STR("A: b\r\n\r\n"), 0, 1000, 1, &e), 0);
		}
		assert_int_equal(mailsink_mailbox(sink, STR("short"), &e), 0);
		assert_false(mailsink_is_shortened(sink));
		assert_int_equal(mailsink_close(&sink, &e), 0);
		if (kinds[k] == MAILSINK_MAILDIR) {
			struct mailsource *source;
			struct mailsource_message m;
			unsigned n = 0;
			assert_int_equal(mailsource_open(path, &source, &e), 0);
			for (; mailsource_next(source, &m, &e) == 1; n++) {
				assert_true(str_starts(str_from_c(m.mailbox), STR("\xd0\xb9\xd0\xb9")));
				buf_fini(&m.raw);
			}
			assert_int_equal(n, 3);
			mailsource_close(&source);
		}
		snprintf(clean, sizeof clean, "rm -rf %s", dir);
		assert_int_equal(system(clean), 0);
	}
}

static void test_refusals(void **state)
{
	(void)state;
	struct mailsource *s;
	struct err e = { 0 };

	assert_int_not_equal(mailsource_open("/nonexistent", &s, &e), 0);
	assert_null(s);
	assert_int_equal(mailsource_open("/etc", &s, &e), ERR_INVALID);
	assert_int_equal(mailsource_open("/etc/passwd", &s, &e), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_from_date), cmocka_unit_test(test_unquote), cmocka_unit_test(test_flags), cmocka_unit_test(test_folders),
		cmocka_unit_test(test_mbox_round_trip), cmocka_unit_test(test_maildir_round_trip), cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
