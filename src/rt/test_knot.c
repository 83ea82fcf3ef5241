#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/test_knot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define KNOTD "/usr/sbin/knotd"
#define KEYMGR "/usr/sbin/keymgr"
#define PATIENCE 1000       /* probes of 100 ms */
#define STARTS 5            /* somebody may take the port before it does */

bool test_knot_installed(void) { return access(KNOTD, X_OK) == 0 && access(KEYMGR, X_OK) == 0; }

static FILE *create(const struct test_knot *k, const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", k->dir, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	return f;
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

/* Free for both protocols. */
static uint16_t free_port(void)
{
	for (;;) {
		struct sockaddr_in a = loopback(0);
		socklen_t n = sizeof(a);
		int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(tcp, (struct sockaddr *)&a, sizeof(a)), 0);
		assert_int_equal(getsockname(tcp, (struct sockaddr *)&a, &n), 0);
		bool both = bind(udp, (struct sockaddr *)&a, sizeof(a)) == 0;
		close(tcp);
		close(udp);
		if (both)
			return ntohs(a.sin_port);
	}
}

static void write_files(const struct test_knot *k, const struct test_zone *zones, unsigned n)
{
	FILE *conf = create(k, "knot.conf");
	fprintf(conf, "server:\n  listen: 127.0.0.1@%u\n  rundir: %s\ndatabase:\n  storage: %s\n", k->port, k->dir, k->dir);
	fprintf(conf, "log:\n- target: stderr\n  any: error\n");
	fprintf(conf, "policy:\n- id: one\n  algorithm: ecdsap256sha256\n  single-type-signing: on\nzone:\n");
	for (unsigned i = 0; i < n; i++) {
		fprintf(conf, "- domain: %s\n  storage: %s\n  file: %s.zone\n  zonefile-sync: -1\n", zones[i].name, k->dir, zones[i].name);
		if (zones[i].sign)
			fprintf(conf, "  dnssec-signing: on\n  dnssec-policy: one\n");
		char name[64];
		snprintf(name, sizeof(name), "%s.zone", zones[i].name);
		FILE *zone = create(k, name);
		fprintf(zone, "$ORIGIN %s.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n%s", zones[i].name, zones[i].text);
		assert_int_equal(fclose(zone), 0);
	}
	assert_int_equal(fclose(conf), 0);
}

static pid_t run(const char *program, const char *const argv[], int out)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	execv(program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* False: it has ended. */
static bool wait_for_answer(struct test_knot *k)
{
	static const char question[] = "\x12\x34\0\0\0\1\0\0\0\0\0\0\0\0\6\0\1";        /* . SOA: refused is an answer too */
	struct sockaddr_in a = loopback(k->port);
	char answer[512];
	for (unsigned i = 0; i < PATIENCE; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t sent = send(fd, question, sizeof(question) - 1, 0);
		ssize_t got = sent > 0 && poll(&p, 1, 100) > 0 ? recv(fd, answer, sizeof(answer), 0) : 0;
		close(fd);
		if (waitpid(k->pid, NULL, WNOHANG) != 0) {
			k->pid = 0;
			return false;
		}
		if (got > 0)
			return true;
		if (got < 0)
			usleep(100000);
	}
	test_knot_remove(k);
	fail_msg("knotd does not answer");
	return false;
}

static void write_anchors(const struct test_knot *k, const struct test_zone *zones, unsigned n)
{
	FILE *anchors = fopen(k->anchors, "w");
	assert_non_null(anchors);
	for (unsigned i = 0; i < n; i++) {
		char conf[128];
		int status;
		if (!zones[i].sign)
			continue;
		snprintf(conf, sizeof(conf), "%s/knot.conf", k->dir);
		const char *argv[] = { KEYMGR, "-c", conf, zones[i].name, "dnskey", NULL };
		assert_int_equal(waitpid(run(KEYMGR, argv, fileno(anchors)), &status, 0) > 0 && status == 0, 1);
	}
	assert_int_equal(fclose(anchors), 0);
}

void test_knot_start(struct test_knot *k, const struct test_zone *zones, unsigned n)
{
	char conf[128];
	memset(k, 0, sizeof(*k));
	snprintf(k->dir, sizeof(k->dir), "/tmp/troika-knot-XXXXXX");
	assert_non_null(mkdtemp(k->dir));
	snprintf(k->anchors, sizeof(k->anchors), "%s/anchors", k->dir);
	snprintf(conf, sizeof(conf), "%s/knot.conf", k->dir);
	const char *argv[] = { KNOTD, "-c", conf, NULL };
	bool answers = false;
	for (unsigned i = 0; i < STARTS && !answers; i++) {
		k->port = free_port();
		write_files(k, zones, n);
		k->pid = run(KNOTD, argv, -1);
		answers = wait_for_answer(k);
	}
	assert_true(answers);
	snprintf(k->server, sizeof(k->server), "127.0.0.1@%u", k->port);
	write_anchors(k, zones, n);
}

void test_knot_stop(struct test_knot *k)
{
	if (k->pid <= 0)
		return;
	kill(k->pid, SIGTERM);
	while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
		;
	k->pid = 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st, (void)kind, (void)walk;
	return remove(path);
}

void test_knot_remove(struct test_knot *k)
{
	test_knot_stop(k);
	nftw(k->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
