/* The converter: what it gives is found, and it cannot do harm. */
#include "search/fixture.h"

#include "base/clock.h"
#include "search/convert.h"
#include "search/limits.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A script as a converter; its path lives in the directory of the fixture. */
static const char *make_script(const char *dir, const char *text)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/converter", dir);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", text);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0700), 0);
	return path;
}

static void test_wants(void **state)
{
	(void)state;
	assert_true(convert_wants(STR("Application"), STR("PDF"), STR("")));
	assert_true(convert_wants(STR("application"), STR("octet-stream"), STR("Bill.PDF")));
	assert_true(convert_wants(STR("application"), STR("vnd.openxmlformats-officedocument.wordprocessingml.document"), STR("x")));
	assert_false(convert_wants(STR("application"), STR("octet-stream"), STR("x.zip")));
	assert_false(convert_wants(STR("image"), STR("png"), STR("x.pdf")));
}

static void test_run(void **state)
{
	(void)state;
	char dir[] = "/tmp/troika-script-XXXXXX";
	assert_non_null(mkdtemp(dir));
	static const struct { const char *script, *out; int result; } cases[] = {
		{ "echo \"$1|$2|$#\"; cat", "application/pdf|a b.pdf|2\nbytes", 0 },
		{ "echo lost; exit 3", "", ERR_NOT_FOUND },
		{ "kill -9 $$", "", ERR_NOT_FOUND },
		/* an empty directory of its own, no environment to speak of, nothing else open (10 is the script) */
		{ "ls -A; env | grep -v -E '^(PATH|TMPDIR|PWD|SHLVL|_|OLDPWD)='; for fd in /proc/self/fd/*; do [ ${fd##*/} -gt 10 ] && echo open $fd; done; true", "", 0 },
		{ "ulimit -c; ulimit -t", "0\n10\n", 0 },
		/* over the size of a file */
		{ "dd if=/dev/zero of=big bs=1M count=65 2>/dev/null && echo too much; true", "", 0 },
		/* over the memory: two GB as one string */
		{ "x=$(head -c 2000000000 /dev/zero | tr '\\0' x) && echo ${#x}; true", "", 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf out = BUF_INIT(0);
		int r = convert_run(make_script(dir, cases[i].script), "application/pdf", "a b.pdf", STR("bytes"), NULL, &out);
		if ((i < 6 && r != cases[i].result) || !str_eq(buf_str(&out), str_from_c(cases[i].out)))
			fail_msg("%s: %d %.*s", cases[i].script, r, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
	struct buf out = BUF_INIT(0);
	assert_int_equal(convert_run("/nonexistent", "a/b", "c", STR(""), NULL, &out), ERR_NOT_FOUND);
	/* Without end: enough is enough. */
	assert_int_equal(convert_run(make_script(dir, "yes"), "a/b", "c", STR(""), NULL, &out), 0);
	assert_int_equal(out.n, CONVERT_OUTPUT_MAX);
	/* Told to stop: at once, with all that it started. */
	_Atomic bool stop = true;
	buf_reset(&out);
	assert_int_equal(convert_run(make_script(dir, "sleep 1000 & sleep 1000"), "a/b", "c", STR(""), &stop, &out), ERR_CLOSED);
	assert_int_equal(out.n, 0);
	buf_fini(&out);
	unlink(make_script(dir, ""));
	assert_int_equal(rmdir(dir), 0);
}

static const char with_attachment[] =
	"From: ann@example.org\r\nSubject: bill\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
	"--x\r\nContent-Type: text/plain\r\n\r\nsee below\r\n"
	"--x\r\nContent-Type: application/pdf; name=bill.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	"U2V2ZW50eSBJTlZPSUNFUyB3aXRoIHRvdGFscw==\r\n--x--\r\n";

/* Found by a word, by a part of one, by a phrase (which is not in any text that IMAP reads), and by a stem. */
static void test_indexed(void **state)
{
	(void)state;
	static const struct { const char *text; enum search_verdict says; } cases[] = {
		{ "invoices", SEARCH_YES }, { "nvoi", SEARCH_YES }, { "seventy invoices", SEARCH_YES }, { "invoices seventy", SEARCH_NO }, { "below", SEARCH_YES },
		{ "s with t", SEARCH_YES }, { "bill.pdf", SEARCH_YES }, { "u2v2zw", SEARCH_NO },
	};
	struct fixture f;
	fixture_begin(&f, 0, "");
	fixture_reopen(&f, 0, make_script(f.dir, "[ \"$1\" = application/pdf ] && [ \"$2\" = bill.pdf ] && cat"));
	fixture_add(&f, str_from_c(with_attachment));
	fixture_add_text(&f, "other", STR("nothing\r\n"));
	fixture_update(&f);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct search_answer a;
		search_substring(f.search, FIXTURE_ACCOUNT, SEARCH_BODY, str_from_c(cases[i].text), &a);
		if (search_answer_says(&a, 1) != cases[i].says || search_answer_says(&a, 2) != SEARCH_NO)
			fail_msg("%s", cases[i].text);
		search_answer_fini(&a);
	}
	struct search_ranked *ranked;
	size_t n;
	assert_int_equal(search_fuzzy(f.search, FIXTURE_ACCOUNT, SEARCH_BODY, STR("invoice total"), &ranked, &n), 0);
	assert_int_equal(n, 1);
	free(ranked);
	struct search_status s;
	assert_int_equal(search_status(f.search, FIXTURE_ACCOUNT, &s, NULL), 0);
	assert_int_equal(s.attached, 1);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_wants), cmocka_unit_test(test_run), cmocka_unit_test(test_indexed) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
