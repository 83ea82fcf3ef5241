/* The checks of message_fuzz.c on real mail: ../shared/data/mail beside the project, where that is there. */
#include "base/buf.h"
#include "codec/mime/limits.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#define MAIL TROIKA_SOURCE "/../shared/data/mail/"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_command(const char *command, struct buf *out)
{
	FILE *pipe = popen(command, "r");    // NOLINT(cert-env33-c): the commands stand below
	if (!pipe)
		return false;
	for (;;) {
		char *to = buf_reserve(out, 1 << 16);
		size_t n = to ? fread(to, 1, 1 << 16, pipe) : 0;
		if (n == 0)
			break;
		out->n += n;
	}
	return pclose(pipe) == 0 && !out->failed;
}

/* Line ends become CRLF; the quoting of "From " in mboxrd goes. */
static void add_line(struct str line, bool mbox, struct buf *out)
{
	size_t marks = 0;
	while (marks < line.n && line.p[marks] == '>')
		marks++;
	if (mbox && marks && str_starts(str_from(line, marks), STR("From ")))
		line = str_from(line, 1);
	if (str_ends(line, STR("\r")))
		line.n--;
	buf_add_str(out, line);
	buf_add_lit(out, "\r\n");
}

/* Checks every message that stands between lines beginning with the separator. Returns how many there were. */
static unsigned check_messages(struct str all, struct str separator, bool mbox)
{
	struct buf message = BUF_INIT(MIME_MESSAGE_MAX);
	unsigned count = 0;
	while (all.n) {
		struct str line;
		str_cut(all, '\n', &line, &all);
		bool boundary = str_starts(line, separator);
		if (!boundary)
			add_line(line, mbox, &message);
		if ((boundary || !all.n) && message.n) {
			LLVMFuzzerTestOneInput((const uint8_t *)message.p, message.n);
			count++;
			buf_reset(&message);
		}
	}
	buf_fini(&message);
	return count;
}

static void check_corpus(const char *file, const char *command, struct str separator, bool mbox, unsigned expected)
{
	struct buf all = BUF_INIT(0);
	if (access(file, R_OK) != 0) {
		print_message("skipped: %s is not there: %u messages not read\n", file, expected);
		skip();
	}
	assert_true(read_command(command, &all));
	unsigned count = check_messages(buf_str(&all), separator, mbox);
	print_message("%u messages of %s\n", count, file);
	assert_int_equal(count, expected);
	buf_fini(&all);
}

static void test_ham(void **state)
{
	(void)state;
	check_corpus(MAIL "real-ham.mbox.xz", "xz -dc " MAIL "real-ham.mbox.xz", STR("From "), true, 2500);
}

static void test_samples(void **state)
{
	(void)state;
	check_corpus(MAIL "mime-samples.tar.xz",
	             "tar -xJf " MAIL "mime-samples.tar.xz --wildcards '*.eml' --to-command='echo \"From troika-sample\"; "
	                              "cat; echo'",
	             STR("From troika-sample"), false, 53);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ham),
		cmocka_unit_test(test_samples),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
