#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "rt/limits.h"
#include "rt/porter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/troika-porter-XXXXXX", script[64], other[64], note[64];

static void write_script(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", text);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0700), 0);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(script, sizeof script, "%s/script", dir);
	snprintf(other, sizeof other, "%s/other", dir);
	snprintf(note, sizeof note, "%s/note", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(script);
	unlink(other);
	unlink(note);
	return rmdir(dir);
}

/* With or without a porter: what it wrote, and how it ended. */
static int run(const struct porter_program *p, const char *a, const char *b, char *text, size_t size, int *status)
{
	const char *const args[] = { a, b, NULL };
	int fds[2], job;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	int r = porter_begin(p, args, -1, fds[1], &job);
	close(fds[1]);
	size_t n = 0;
	for (ssize_t got; r == 0 && (got = read(fds[0], text + n, size - 1 - n)) > 0;)
		n += (size_t)got;
	text[n] = '\0';
	close(fds[0]);
	return r ? r : porter_end(job, clock_mono_ms() + 100000, NULL, status);
}

static void check_runs(const struct porter_program *p)
{
	char text[4096];
	int status;
	write_script(script, "echo \"$1|$2|$#\"; exit 3");
	assert_int_equal(run(p, "two words", "; rm -rf /", text, sizeof text, &status), 0);
	assert_string_equal(text, "two words|; rm -rf /|2\n");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	write_script(script, "kill -9 $$");
	assert_int_equal(run(p, "", "", text, sizeof text, &status), 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void check_killed(const struct porter_program *p)
{
	const char *const args[] = { NULL };
	char text[64];
	int status, fds[2], job;
	_Atomic bool stop = true;
	write_script(script, "sleep 1000 & echo; sleep 1000");
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(porter_begin(p, args, -1, fds[1], &job), 0);
	close(fds[1]);
	assert_int_equal(read(fds[0], text, 1), 1);
	assert_int_equal(porter_end(job, clock_mono_ms() + 100000, &stop, &status), ERR_CLOSED);        /* not ERR_TIMEOUT: at once */
	/* the whole group is gone: nobody holds the pipe */
	assert_int_equal(read(fds[0], text, 1), 0);
	close(fds[0]);
}

static const struct porter_program *plain(void)
{
	static struct porter_program p;
	p = (struct porter_program){ .path = script, .seconds = 60 };
	return &p;
}

static const struct porter_program *caged(unsigned seconds)
{
	static struct porter_program p;
	p = (struct porter_program){ .path = script, .caged = true, .seconds = seconds, .cpu_seconds = 10, .memory = 1u << 30, .file = 1u << 20 };
	return &p;
}

static void test_without(void **state)
{
	(void)state;
	check_runs(plain());
	check_runs(caged(60));
	check_killed(plain());
}

static void test_with(void **state)
{
	char text[256];
	int status;
	(void)state;
	assert_int_equal(porter_start(plain(), 1, NULL, NULL), 0);
	check_runs(plain());
	check_killed(plain());
	/* nothing but what it was told of */
	struct porter_program p = { .path = other, .seconds = 60 };
	write_script(other, "echo no");
	assert_int_equal(run(&p, "", "", text, sizeof text, &status), ERR_NOT_FOUND);
	/* too much to say */
	char *big = malloc(PORTER_REQUEST_MAX + 1);
	memset(big, 'x', PORTER_REQUEST_MAX);
	big[PORTER_REQUEST_MAX] = '\0';
	assert_int_equal(run(plain(), big, "", text, sizeof text, &status), ERR_TOO_BIG);
	free(big);
	check_runs(plain());
	porter_stop();
}

/* Its time is the porter's to watch, not the caller's. */
static void test_time(void **state)
{
	char text[64];
	int status;
	(void)state;
	assert_int_equal(porter_start(caged(1), 1, NULL, NULL), 0);
	write_script(script, "sleep 1000");
	uint64_t began = clock_mono_ms();
	assert_int_equal(run(caged(1), "", "", text, sizeof text, &status), 0);
	assert_true(clock_mono_ms() - began >= 900);
	assert_true(WIFSIGNALED(status));
	porter_stop();
}

static int marked_porter, marked_cage;

static int mark_porter(void)
{
	setenv("MARK", "porter", 1);
	return marked_porter;
}

static int mark_cage(const char *program, const char *where)
{
	return !str_eq(str_from_c(program), str_from_c(script)) || !str_starts(str_from_c(where), STR("/tmp/")) || marked_cage;
}

static void test_sandbox(void **state)
{
	static const struct porter_sandbox s = { mark_porter, mark_cage };
	char text[256];
	int status;
	(void)state;
	marked_porter = marked_cage = 0;
	write_script(script, "echo \"$MARK\"; pwd");
	assert_int_equal(porter_start(plain(), 1, &s, NULL), 0);
	assert_int_equal(run(plain(), "", "", text, sizeof text, &status), 0);
	assert_true(str_starts(str_from_c(text), STR("porter\n")));
	porter_stop();
	assert_int_equal(porter_start(caged(60), 1, &s, NULL), 0);
	assert_int_equal(run(caged(60), "", "", text, sizeof text, &status), 0);
	assert_true(str_starts(str_from_c(text), STR("\n/tmp/troika-convert-")));
	text[strlen(text) - 1] = '\0';
	assert_int_not_equal(access(text + 1, F_OK), 0);        /* the directory is gone */
	porter_stop();
	/* a cage that does not close holds nobody */
	marked_cage = 1;
	assert_int_equal(porter_start(caged(60), 1, &s, NULL), 0);
	assert_int_equal(run(caged(60), "", "", text, sizeof text, &status), 0);
	assert_string_equal(text, "");
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 127);
	porter_stop();
}

/* More than run at once wait, and all run. */
static void test_many(void **state)
{
	enum { N = PORTER_JOBS_MAX + 10 };
	const char *const args[] = { NULL };
	int jobs[N], status;
	(void)state;
	write_script(script, "sleep 0.1");
	assert_int_equal(porter_start(plain(), 1, NULL, NULL), 0);
	for (int i = 0; i < N; i++)
		while (porter_begin(plain(), args, -1, -1, &jobs[i]) == ERR_BUSY)
			usleep(10000);
	for (int i = 0; i < N; i++) {
		assert_int_equal(porter_end(jobs[i], clock_mono_ms() + 100000, NULL, &status), 0);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	porter_stop();
}

/* A child of that process, 0: it has none. */
static int child_of(int parent)
{
	struct dirent *e;
	int found = 0;
	DIR *d = opendir("/proc");
	assert_non_null(d);
	while (!found && (e = readdir(d))) {
		char path[300], text[256] = "";
		int pid, ppid;
		snprintf(path, sizeof path, "/proc/%s/stat", e->d_name);
		FILE *f = e->d_name[0] >= '1' && e->d_name[0] <= '9' ? fopen(path, "re") : NULL;
		/* no name of ours has a parenthesis in it */
		if (f && fgets(text, sizeof text, f) && sscanf(text, "%d (%*[^)]) %*c %d", &pid, &ppid) == 2 && ppid == parent)
			found = pid;
		if (f)
			fclose(f);
	}
	closedir(d);
	return found;
}

static int wait_for_child(int parent, int other_than)
{
	int child = 0;
	for (int i = 0; i < 6000 && ((child = child_of(parent)) == 0 || child == other_than); i++)
		usleep(10000);
	assert_true(child > 0 && child != other_than);
	return child;
}

/* A porter that dies is followed by another one: what runs goes on and can be ended, what is asked for meanwhile is done. */
static void test_death(void **state)
{
	const char *const args[] = { NULL };
	char text[64];
	int status, fds[2], job;
	_Atomic bool stop = true;
	(void)state;
	assert_int_equal(porter_start(plain(), 1, NULL, NULL), 0);
	int warden = wait_for_child(getpid(), 0), dead = 0;
	for (int i = 0; i < 3; i++) {
		write_script(script, "echo; sleep 1000");
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		assert_int_equal(porter_begin(plain(), args, -1, fds[1], &job), 0);
		close(fds[1]);
		assert_int_equal(read(fds[0], text, 1), 1);
		dead = wait_for_child(warden, dead);
		assert_int_equal(kill(dead, SIGKILL), 0);
		check_runs(plain());
		assert_int_equal(porter_end(job, clock_mono_ms() + 100000, &stop, &status), ERR_CLOSED);
		assert_int_equal(read(fds[0], text, 1), 0);
		close(fds[0]);
	}
	porter_stop();
	assert_int_equal(child_of(getpid()), 0);
}

/* A server that is killed leaves nothing running. */
static void test_orphan(void **state)
{
	(void)state;
	char text[256];
	snprintf(text, sizeof text, "echo $$ >%s; sleep 1000", note);
	write_script(script, text);
	pid_t server = fork();
	if (server == 0) {
		const char *const args[] = { NULL };
		int job;
		if (porter_start(plain(), 1, NULL, NULL) || porter_begin(plain(), args, -1, -1, &job))
			_exit(1);
		pause();
		_exit(0);
	}
	int program = 0;
	for (int i = 0; i < 6000 && program == 0; i++) {
		FILE *f = fopen(note, "re");
		if (f && fscanf(f, "%d", &program) != 1)
			program = 0;
		if (f)
			fclose(f);
		usleep(10000);
	}
	assert_true(program > 0);
	kill(server, SIGKILL);
	assert_int_equal(waitpid(server, NULL, 0), server);
	for (int i = 0; i < 6000 && kill(program, 0) == 0; i++)
		usleep(10000);
	assert_int_equal(kill(program, 0), -1);
	assert_int_equal(errno, ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without), cmocka_unit_test(test_with), cmocka_unit_test(test_time),
		cmocka_unit_test(test_sandbox), cmocka_unit_test(test_many), cmocka_unit_test(test_death), cmocka_unit_test(test_orphan),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
