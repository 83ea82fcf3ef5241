#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "audit/audit.h"
#include "audit/inside.h"
#include "audit/limits.h"
#include "audit/read.h"
#include "base/clock.h"
#include "rt/fault.h"
#include "rt/log.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/troika-audit-test.XXXXXX";

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *place)
{
	(void)st, (void)kind, (void)place;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	log_setup(LOG_TEXT, LOG_ERROR, open("/dev/null", O_WRONLY | O_CLOEXEC));
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	audit_close();
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void path_of(int64_t day, char *out, size_t size)
{
	char name[AUDIT_FILE_NAME];
	audit_file_name(day, name);
	snprintf(out, size, "%s/audit/%s", dir, name);
}

struct seen {
	unsigned n, ok, unlisted;
	struct str event;
	char user[AUDIT_VALUE_MAX * 4], actor[AUDIT_VALUE_MAX * 4];
	uint64_t count;
};

static int see(void *arg, const struct audit_event *x, struct str line)
{
	struct seen *s = arg;
	assert_true(line.n > 0);
	s->n++;
	s->ok += x->ok;
	s->count += x->count;
	s->unlisted += str_eq(x->event, STR("login.unlisted"));
	str_copy_c(s->user, sizeof(s->user), x->user);
	str_copy_c(s->actor, sizeof(s->actor), x->actor);
	return 0;
}

static uint64_t read_all(const struct audit_filter *f, struct seen *out)
{
	static const struct audit_filter all = { .failed = false };
	uint64_t bad;
	*out = (struct seen){ .n = 0 };
	assert_int_equal(audit_trail_read(dir, f ? f : &all, see, out, &bad, NULL), 0);
	return bad;
}

static void login(const char *user, const char *ip, bool ok)
{
	struct audit_login l = { .protocol = "imap", .mechanism = "PLAIN", .user = str_from_c(user), .ip = str_from_c(ip), .ok = ok, .why = "not permitted" };
	audit_login(&l);
}

static void test_closed_does_nothing(void **state)
{
	struct seen s;
	uint64_t bad;
	(void)state;
	login("ann", "192.0.2.1", true);
	audit_act(STR_NONE, "cli", "user.add", STR("ann"), STR_NONE, 0);
	assert_int_equal(audit_trail_read(dir, &(struct audit_filter){ .failed = false }, see, &s, &bad, NULL), ERR_NOT_FOUND);
}

static void test_filters(void **state)
{
	struct seen s;
	struct stat st;
	char path[256];
	(void)state;
	assert_int_equal(audit_open(dir, 365, NULL), 0);
	login("Ann@example.org", "192.0.2.1", true);
	login("ann@example.org", "192.0.2.2", false);
	login("bob@example.org", "192.0.2.2", true);
	audit_act(STR_NONE, "cli", "user.passwd", STR("ann@example.org"), STR_NONE, 0);
	audit_act(STR("ann@example.org"), "imap", "acl.set", STR("INBOX"), STR("bob lrs"), ERR_DENIED);
	snprintf(path, sizeof(path), "%s/audit", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	path_of(audit_day(clock_now()), path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(read_all(NULL, &s), 0);
	assert_int_equal(s.n, 5);
	assert_int_equal(read_all(&(struct audit_filter){ .user = STR("ann@example.org") }, &s), 0);
	assert_int_equal(s.n, 4);
	assert_int_equal(read_all(&(struct audit_filter){ .user = STR("ann@example.org"), .failed = true }, &s), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(read_all(&(struct audit_filter){ .ip = STR("192.0.2.2") }, &s), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(read_all(&(struct audit_filter){ .since_ms = clock_now_ms() + 60000 }, &s), 0);
	assert_int_equal(s.n, 0);
	assert_int_equal(read_all(&(struct audit_filter){ .since_ms = clock_now_ms() - 60000 }, &s), 0);
	assert_int_equal(s.n, 5);
}

/* The process's user by name and number. */
static void test_actor(void **state)
{
	struct seen s;
	char number[32];
	(void)state;
	assert_int_equal(audit_open(dir, 0, NULL), 0);
	audit_act(STR_NONE, "cli", "user.add", STR("ann"), STR_NONE, 0);
	read_all(NULL, &s);
	snprintf(number, sizeof(number), "(%u)", (unsigned)getuid());
	assert_true(str_starts(str_from_c(s.actor), STR("cli:")));
	assert_true(str_find(str_from_c(s.actor), str_from_c(number)) != STR_NPOS);
}

#define PROCESSES 4
#define LINES 300

/* Several processes, each with a long line of its own letter: no line is lost, and none holds another's. */
static void test_processes(void **state)
{
	struct seen s;
	char name[AUDIT_VALUE_MAX + 1];
	(void)state;
	assert_int_equal(audit_open(dir, 365, NULL), 0);
	for (int p = 0; p < PROCESSES; p++) {
		if (fork() > 0)
			continue;
		memset(name, 'a' + p, sizeof(name) - 1);
		name[sizeof(name) - 1] = '\0';
		for (int i = 0; i < LINES; i++)
			login(name, "192.0.2.1", true);
		_exit(0);
	}
	for (int p = 0; p < PROCESSES; p++) {
		int status;
		assert_true(wait(&status) > 0 && status == 0);
	}
	for (int p = 0; p < PROCESSES; p++) {
		memset(name, 'a' + p, sizeof(name) - 1);
		name[sizeof(name) - 1] = '\0';
		assert_int_equal(read_all(&(struct audit_filter){ .user = str_from_c(name) }, &s), 0);
		assert_int_equal(s.n, LINES);
	}
}

static void test_injection(void **state)
{
	struct seen s;
	(void)state;
	assert_int_equal(audit_open(dir, 365, NULL), 0);
	login("x\n{\"time\":\"2026-01-01T00:00:00.000Z\",\"event\":\"login\",\"ok\":true,\"user\":\"y\"}\n", "192.0.2.1", false);
	login("x\",\"ok\":true,\"z\":\"", "192.0.2.1", false);
	assert_int_equal(read_all(NULL, &s), 0);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.ok, 0);
}

static void test_keep_days(void **state)
{
	char path[256];
	struct stat st;
	int64_t today = audit_day(clock_now());
	(void)state;
	assert_int_equal(audit_open(dir, 0, NULL), 0);
	static const int ages[] = { 0, 29, 30, 31, 400 };
	for (size_t i = 0; i < 5; i++) {
		path_of(today - ages[i], path, sizeof(path));
		close(open(path, O_WRONLY | O_CREAT, 0600));
	}
	/* somebody's copy is not ours */
	snprintf(path, sizeof(path), "%s/audit/2001-01-01.jsonl.old", dir);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	login("ann", "192.0.2.1", true);
	path_of(today - 400, path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	audit_close();
	assert_int_equal(audit_open(dir, 30, NULL), 0);
	login("ann", "192.0.2.1", true);
	for (size_t i = 0; i < 5; i++) {
		path_of(today - ages[i], path, sizeof(path));
		assert_int_equal(stat(path, &st) == 0, ages[i] <= 30);
	}
	snprintf(path, sizeof(path), "%s/audit/2001-01-01.jsonl.old", dir);
	assert_int_equal(stat(path, &st), 0);
	/* and when a day begins */
	clock_shift_ms(INT64_C(86400000));
	login("ann", "192.0.2.1", true);
	clock_shift_ms(INT64_C(-86400000));
	path_of(today - 30, path, sizeof(path));
	assert_int_not_equal(stat(path, &st), 0);
	path_of(today + 1, path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
}

/* A flood is counted, not listed; what matters is never held back. */
static void test_flood(void **state)
{
	struct seen s;
	(void)state;
	assert_int_equal(audit_open(dir, 365, NULL), 0);
	clock_shift_ms(60000 - clock_now_ms() % 60000 + 1000);
	for (int i = 0; i < 3 * AUDIT_REFUSALS_PER_MINUTE; i++)
		login("ann", "192.0.2.1", false);
	login("ann", "192.0.2.1", true);
	read_all(NULL, &s);
	assert_int_equal(s.n, AUDIT_REFUSALS_PER_MINUTE + 1);
	assert_int_equal(s.ok, 1);
	clock_shift_ms(60000);
	login("ann", "192.0.2.1", false);
	read_all(NULL, &s);
	assert_int_equal(s.unlisted, 1);
	assert_int_equal(s.count, 2 * AUDIT_REFUSALS_PER_MINUTE);
	assert_int_equal(s.n, AUDIT_REFUSALS_PER_MINUTE + 3);
	/* so are acts over a protocol that failed; those that did something, and the command line's, are all listed */
	clock_shift_ms(60000);
	for (int i = 0; i < 3 * AUDIT_REFUSALS_PER_MINUTE; i++)
		audit_act(STR("ann"), "imap", "quota.set", STR("bob"), STR_NONE, ERR_DENIED);
	audit_act(STR("ann"), "imap", "acl.set", STR("bob"), STR_NONE, 0);
	audit_act(STR_NONE, "cli", "user.add", STR("bob"), STR_NONE, ERR_EXISTS);
	read_all(NULL, &s);
	assert_int_equal(s.n, 2 * AUDIT_REFUSALS_PER_MINUTE + 5);
}

/* A full disk cuts a line: it is told in the log, the next one is whole. */
static void test_torn(void **state)
{
	struct seen s;
	(void)state;
	assert_int_equal(audit_open(dir, 365, NULL), 0);
	login("one", "192.0.2.1", true);
	assert_int_equal(fault_setup("audit.write=1"), 0);
	login("two", "192.0.2.1", true);
	fault_setup(NULL);
	login("three", "192.0.2.1", true);
	assert_int_equal(read_all(NULL, &s), 1);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.user, "three");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_closed_does_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_filters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_actor, setup, teardown),
		cmocka_unit_test_setup_teardown(test_processes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_injection, setup, teardown),
		cmocka_unit_test_setup_teardown(test_keep_days, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
