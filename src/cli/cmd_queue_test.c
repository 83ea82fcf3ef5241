/* `troika queue` word for word, over a store on disk. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "cli/command.h"

#include <ftw.h>
#include <unistd.h>

#define WORDS_MAX 16

/* As in main.c, without the words. */
int cli_fail(const char *what, int code, const struct err *e)
{
	(void)what, (void)e;
	return err_class(code) == ERR_CLASS_TEMPORARY ? CLI_TEMPORARY : CLI_FAILED;
}

int cli_usage(const char *name, const char *format, ...)
{
	(void)name, (void)format;
	return CLI_USAGE;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	char *dir = strdup("/tmp/troika-cli-queue-XXXXXX");
	char inside[64];
	assert_non_null(mkdtemp(dir));
	snprintf(inside, sizeof inside, "%s/d", dir);
	struct house h;
	int mark;
	assert_int_equal(house_create(inside, STR("mail.example.org"), &h, &mark, NULL), 0);
	house_close(&h);
	assert_int_equal(house_finish(inside, &mark, NULL), 0);
	*state = dir;
	return 0;
}

static int teardown(void **state)
{
	nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static void with_queue(const char *dir, void (*fn)(struct queue *q))
{
	char inside[64];
	struct house h;
	snprintf(inside, sizeof inside, "%s/d", dir);
	assert_int_equal(house_open(inside, NULL, &h, NULL), 0);
	assert_int_equal(house_open_queue(&h, NULL), 0);
	fn(h.queue);
	house_close(&h);
}

/* Runs `troika queue WORDS -d DIR`; what it printed lives until the next. */
static const char *run(const char *dir, const char *words, int status)
{
	static char printed[8000];
	char copy[400], inside[64], out[64], *argv[WORDS_MAX], *at = copy;
	int argc = 0;
	snprintf(inside, sizeof inside, "%s/d", dir);
	snprintf(out, sizeof out, "%s/out", dir);
	snprintf(copy, sizeof copy, "queue %s", words);
	for (char *word; (word = strsep(&at, " ")) && argc < WORDS_MAX - 3;)
		argv[argc++] = word;
	argv[argc++] = (char[]){ "-d" };
	argv[argc++] = inside;
	argv[argc] = NULL;
	fflush(stdout);
	int kept = dup(STDOUT_FILENO);
	FILE *f = freopen(out, "w", stdout);
	assert_non_null(f);
	int rc = cli_queue(argc, argv);
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	assert_int_equal(rc, status);
	f = fopen(out, "r");
	assert_non_null(f);
	printed[fread(printed, 1, sizeof printed - 1, f)] = 0;
	fclose(f);
	return printed;
}

static void fill(struct queue *q)
{
	static const struct str body = STR_INIT("From: a@example.org\r\nSubject: an\x1b[31m escape\r\n\r\nbody\r\n");
	struct queue_recipient r[2] = { { .address = STR("b@example.net"), .destination = STR("example.net") },
									{ .address = STR("c@example.com"), .destination = STR("example.com") } };
	struct queue_submission s = { .envelope = { .sender = STR("a@example.org"), .user = STR("a@example.org"), .peer = STR("192.0.2.7"), .priority = 3,
												.envid = STR("QQ1"), .flags = QUEUE_8BIT | QUEUE_RET_HDRS },
								  .pieces = &body, .n_pieces = 1, .recipients = r, .n_recipients = 2 };
	struct queue_job *j;
	uint64_t id;
	assert_int_equal(queue_submit(q, &s, &id, NULL), 0);
	assert_int_equal(id, 0x10);
	s.envelope = (struct queue_envelope){ .flags = QUEUE_HELD };
	s.n_recipients = 1;
	assert_int_equal(queue_submit(q, &s, &id, NULL), 0);
	assert_int_equal(queue_take(q, 1000, STR("example.com"), true, &j), 0);
	j->recipients[0].result = (struct queue_result){ QUEUE_DELAYED, STR("4.2.0"), STR("not\nnow"), STR("mx.example.com"), false, false };
	assert_int_equal(queue_finish(q, &j), 0);
	queue_destination_failed(q, STR("example.net"), STR("4.4.1"), STR("no answer"), STR_NONE);
}

static void look(void **state)
{
	with_queue(*state, fill);
	const char *text = run(*state, "list", CLI_OK);
	assert_non_null(strstr(text, "\n10        "));
	/* when exactly is drawn by lot (queue/backoff) */
	assert_non_null(strstr(text, "a@example.org\n          c@example.com                       next in "));
	assert_non_null(strstr(text, "m, tried 1 time\n            mx.example.com: 4.2.0 not?now\n          b@example.net                       due\n"));
	assert_non_null(strstr(text, "<>\n          b@example.net                       held\n"));
	assert_non_null(strstr(text, "messages: 2, recipients: 3, size: "));
	assert_null(strstr(run(*state, "list --held", CLI_OK), "c@example.com"));
	assert_non_null(strstr(run(*state, "list --sender <>", CLI_OK), "messages: 1, recipients: 1"));
	assert_non_null(strstr(run(*state, "list --destination example.com --recipient b@example.net", CLI_OK), "messages: 0,"));
	text = run(*state, "show 10", CLI_OK);
	assert_non_null(strstr(text, "Sender      a@example.org\nUser        a@example.org\nFrom        192.0.2.7\nEnvelope id QQ1\n"));
	assert_non_null(strstr(text, "Flags       8BITMIME, RET=HDRS\nPriority    3\nArrived     "));
	assert_non_null(strstr(text, "\n\nFrom: a@example.org\nSubject: an?[31m escape\n"));
	assert_null(strstr(text, "body"));
	text = run(*state, "stats", CLI_OK);
	assert_non_null(strstr(text, "messages              2\nrecipients            3\n"));
	assert_non_null(strstr(text, "held                  1\n"));
	text = run(*state, "destinations", CLI_OK);
	assert_non_null(strstr(text, "example.net                                  1  "));
	assert_non_null(strstr(text, "1, no answer\n"));
}

static void steer(void **state)
{
	with_queue(*state, fill);
	assert_string_equal(run(*state, "release --all", CLI_OK), "messages released: 1\n");
	assert_string_equal(run(*state, "hold 20", CLI_OK), "messages held: 1\n");
	assert_string_equal(run(*state, "retry --destination example.com", CLI_OK), "messages due now: 1\n");
	assert_non_null(strstr(run(*state, "list 10", CLI_OK), "c@example.com                       due, tried 1 time\n"));
	assert_string_equal(run(*state, "bounce --recipient c@example.com", CLI_OK), "messages to be returned: 1\n");
	assert_non_null(strstr(run(*state, "list 10", CLI_OK), "failed, to be told"));
	assert_string_equal(run(*state, "drop --all", CLI_OK), "messages dropped: 2\n");
	assert_non_null(strstr(run(*state, "stats", CLI_OK), "messages              0\n"));
}

static void what_is_wrong_is_said(void **state)
{
	run(*state, "", CLI_USAGE);
	run(*state, "frobnicate", CLI_USAGE);
	run(*state, "drop", CLI_FAILED);
	run(*state, "drop 10 --all", CLI_FAILED);
	run(*state, "drop 10", CLI_FAILED);
	run(*state, "drop xyz", CLI_FAILED);
	run(*state, "show 10", CLI_FAILED);
	run(*state, "show", CLI_USAGE);
	run(*state, "stats --all", CLI_USAGE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(look, setup, teardown), cmocka_unit_test_setup_teardown(steer, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong_is_said, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
