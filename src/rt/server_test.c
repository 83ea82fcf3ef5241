/* Many sessions on few threads: wakes, idle connections, the pool, jobs, drain. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rt/limits.h"
#include "rt/test_server.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct client *greeted(uint16_t port)
{
	struct client *c = client_open(port);
	client_expect(c, "hello");
	return c;
}

static void quit(struct client **c)
{
	client_send(*c, "quit\r\n");
	client_expect(*c, "bye");
	client_expect_end(*c);
	client_close(c);
}

static int start(void **state)
{
	struct test_server *t = malloc(sizeof(*t));
	struct server_config config = { .workers_min = 4 };
	test_server_start(t, &config, NULL);
	*state = t;
	return 0;
}

static int stop(void **state)
{
	test_server_stop(*state);
	free(*state);
	return 0;
}

/* ---- wakes ---- */

struct waker {
	struct test_server *t;
	int rounds;
};

static void *publish(void *arg)
{
	struct waker *w = arg;
	for (int i = 0; i < w->rounds; i++) {
		test_publish(w->t);
		if (i % 16 == 0)
			usleep(50);
	}
	return NULL;
}

static void *chatter(void *arg)
{
	struct client *c = arg;
	for (int i = 0; i < 2000; i++)
		client_send(c, "echo .\r\n");
	return NULL;
}

/* Wakes of four threads race with input and with each other: the last state is always told, no command is lost or doubled,
 * and no session runs twice at once (test_server_stop looks). */
static void test_wakes_race(void **state)
{
	struct test_server *t = *state;
	struct client *c[8];
	pthread_t wakers[4], chatterers[8];
	struct waker w = { t, 3000 };
	for (size_t i = 0; i < 8; i++) {
		c[i] = greeted(t->port);
		client_send(c[i], "subscribe\r\n");
		client_expect(c[i], "ok");
	}
	uint64_t last = atomic_load(&t->news) + 4ull * 3000;
	for (size_t i = 0; i < 8; i++)
		pthread_create(&chatterers[i], NULL, chatter, c[i]);
	for (size_t i = 0; i < 4; i++)
		pthread_create(&wakers[i], NULL, publish, &w);
	for (size_t i = 0; i < 8; i++) {
		int echoes = 0;
		uint64_t news = 0;
		while (echoes < 2000 || news < last) {
			const char *line = client_line(c[i]);
			assert_non_null(line);
			if (line[0] == '.') {
				echoes++;
			} else {
				uint64_t n = strtoull(line + 5, NULL, 10);
				assert_true(n > news);
				news = n;
			}
		}
		assert_int_equal(echoes, 2000);
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(wakers[i], NULL);
	for (size_t i = 0; i < 8; i++) {
		pthread_join(chatterers[i], NULL);
		quit(&c[i]);
	}
}

/* One wake at a time, each with the client waiting for it: a lost one would hang. */
static void test_no_wake_is_lost(void **state)
{
	struct test_server *t = *state;
	struct client *c = greeted(t->port);
	client_send(c, "subscribe\r\n");
	client_expect(c, "ok");
	for (int i = 0; i < 5000; i++) {
		char line[64];
		test_publish(t);
		snprintf(line, sizeof(line), "news %llu", (unsigned long long)atomic_load(&t->news));
		client_expect(c, line);
	}
	quit(&c);
}

/* Connections that close while they are woken. */
static void test_wakes_and_closes(void **state)
{
	struct test_server *t = *state;
	pthread_t thread;
	struct waker w = { t, 20000 };
	pthread_create(&thread, NULL, publish, &w);
	for (int i = 0; i < 300; i++) {
		struct client *c = greeted(t->port);
		client_send(c, i % 2 ? "subscribe\r\nquit\r\n" : "subscribe\r\n");
		client_expect(c, "ok");
		client_close(&c);
	}
	pthread_join(thread, NULL);
}

/* ---- many ---- */

#define IDLE_COUNT 2000
#define IDLE_BYTES_MAX 1024        /* the session of the test protocol is 80 bytes of it */

static size_t allocated(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return 0;        /* not theirs to tell */
#else
	return mallinfo2().uordblks;
#endif
}

/* Until just these are there, and no worker is with any of them. */
static void wait_for_rest(struct test_server *t, size_t conns)
{
	struct server_stats stats = { 0 };
	for (int i = 0, rests = 0; i < 100 * PATIENCE_S && rests < 3; i++) {
		usleep(10000);
		server_stats(t->server, &stats);
		rests = stats.conns == conns && stats.workers_busy == 0 && stats.queued == 0 ? rests + 1 : 0;
	}
	assert_int_equal(stats.conns, conns);
}

/* A parked connection keeps its structs and nothing else, and wakes up like any other. */
static void test_idle_connections(void **state)
{
	struct test_server *t = *state;
	struct rlimit files;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(t->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int *fds = calloc(IDLE_COUNT, sizeof(*fds));
	char text[8];
	getrlimit(RLIMIT_NOFILE, &files);
	size_t count = files.rlim_cur > 2 * IDLE_COUNT + 100 ? IDLE_COUNT : (files.rlim_cur - 100) / 2;
	assert_true(count > 0);
	wait_for_rest(t, 0);
	size_t before = allocated();
	for (size_t i = 0; i < count; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&to, sizeof(to)), 0);
		assert_int_equal(recv(fds[i], text, 7, MSG_WAITALL), 7);
		assert_int_equal(send(fds[i], "ec", 2, 0), 2);        /* half a line is kept too */
	}
	wait_for_rest(t, count);
	size_t after = allocated();
	size_t each = after > before ? (after - before) / count : 0;
	print_message("%zu idle connections: %zu bytes each\n", count, each);
	assert_true(each < IDLE_BYTES_MAX);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(send(fds[i], "ho x\r\n", 6, 0), 6);
		assert_int_equal(recv(fds[i], text, 3, MSG_WAITALL), 3);
		assert_memory_equal(text, "x\r\n", 3);
		close(fds[i]);
	}
	free(fds);
}

/* ---- the pool ---- */

static void test_blocked_workers(void **state)
{
	struct test_server *t = *state;
	struct client *sleeper[40];
	for (size_t i = 0; i < 40; i++) {
		sleeper[i] = greeted(t->port);
		client_send(sleeper[i], "hold\r\necho awake\r\n");
	}
	test_wait_busy(t, 40);
	struct client *c = greeted(t->port);
	client_send(c, "echo quick\r\n");
	client_expect(c, "quick");
	test_let_go(t);
	for (size_t i = 0; i < 40; i++) {
		client_expect(sleeper[i], "held");
		client_expect(sleeper[i], "awake");
		quit(&sleeper[i]);
	}
	quit(&c);
}

/* After the storm threads beyond the minimum end, and what is left still serves. */
static void test_pool_shrinks(void **state)
{
	struct test_server *t = *state;
	struct server_stats stats;
	uint64_t begin = clock_mono_ms();
	do {
		usleep(100000);
		server_stats(t->server, &stats);
	} while (stats.workers > 4 && clock_mono_ms() - begin < 1000ull * PATIENCE_S);
	assert_int_equal(stats.workers, 4);
	struct client *c = greeted(t->port);
	quit(&c);
}

struct job_counts { _Atomic int quick, slow, together; };

static void quick_job(void *arg) { atomic_fetch_add(&((struct job_counts *)arg)->quick, 1); }

static void slow_job(void *arg)
{
	struct job_counts *counts = arg;
	if (atomic_fetch_add(&counts->slow, 1) % 2 != 0)
		atomic_fetch_add(&counts->together, 1);
	usleep(120000);
	atomic_fetch_add(&counts->slow, 1);
}

static void *run_server(void *s)
{
	server_run(s, NULL);
	return NULL;
}

static void test_jobs(void **state)
{
	(void)state;
	struct server_config config = { .workers_min = 1 };
	struct job_counts counts = { 0, 0, 0 };
	struct server *s;
	struct err e;
	pthread_t thread;
	uint64_t begin = clock_mono_ms();
	assert_int_equal(server_create(&config, &s, &e), 0);
	assert_int_equal(server_every(s, 50, quick_job, &counts), 0);
	assert_int_equal(server_every(s, 50, slow_job, &counts), 0);
	pthread_create(&thread, NULL, run_server, s);
	while ((atomic_load(&counts.quick) < 3 || atomic_load(&counts.slow) < 4) && clock_mono_ms() - begin < 1000ull * PATIENCE_S)
		usleep(10000);
	server_stop(s);
	pthread_join(thread, NULL);
	uint64_t took = clock_mono_ms() - begin;
	assert_in_range(atomic_load(&counts.quick), 3, took / 50 + 1);
	assert_in_range(atomic_load(&counts.slow) / 2, 2, took / 120 + 1);
	assert_int_equal(atomic_load(&counts.together), 0);
	server_destroy(&s);
}

/* "*" is both families, "::" is IPv6 alone; a second server on the same port is told so. */
static void test_addresses(void **state)
{
	(void)state;
	struct server *s;
	struct err e;
	uint16_t port = 0;
	struct conn_proto proto = { .name = "none" };
	struct listen_spec spec = { .proto = &proto, .address = "*" };
	static const struct server_config config;
	assert_int_equal(server_create(&config, &s, &e), 0);
	assert_int_equal(server_listen(s, &spec, &port, &e), 0);
	struct client *c = client_open(port);        /* by IPv4; the kernel's backlog takes it */
	client_close(&c);
	spec.port = port;
	assert_int_equal(server_listen(s, &spec, NULL, &e), ERR_BUSY);
	spec.address = "not an address";
	assert_int_equal(server_listen(s, &spec, NULL, &e), ERR_CONFIG);
	struct str bad = STR("192.0.2.0/99");
	spec = (struct listen_spec){ .proto = &proto, .address = "127.0.0.1", .proxy_from = &bad, .n_proxy_from = 1 };
	assert_int_equal(server_listen(s, &spec, NULL, &e), ERR_CONFIG);
	server_destroy(&s);
}

/* ---- the end ---- */

static void test_drain(void **state)
{
	(void)state;
	struct test_server t;
	struct server_config config = { .drain_ms = 60000 };
	test_server_start(&t, &config, NULL);
	struct client *idle = greeted(t.port), *busy = greeted(t.port);
	client_send(busy, "hold\r\necho finished\r\n");
	test_wait_busy(&t, 1);
	uint16_t port = t.port;
	server_stop(t.server);
	client_expect(idle, "going");
	client_expect_end(idle);
	/* New connections are refused while the old ones end. */
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), -1);
	close(fd);
	/* The command under way is finished, then the session is told. */
	test_let_go(&t);
	client_expect(busy, "held");
	const char *line = client_line(busy);
	assert_non_null(line);
	if (strcmp(line, "finished") == 0)
		line = client_line(busy);
	assert_string_equal(line, "going");
	client_close(&idle);
	client_close(&busy);
	test_server_stop(&t);
}

static void test_drain_cuts_off(void **state)
{
	(void)state;
	struct test_server t;
	struct server_config config = { .drain_ms = 300 };
	test_server_start(&t, &config, NULL);
	struct client *stuck = greeted(t.port);
	client_take_little(stuck);
	client_send(stuck, "large 30000000\r\n");        /* blocks in the middle of its output */
	char byte;
	assert_int_equal(recv(client_fd(stuck), &byte, 1, 0), 1);        /* it is under way */
	uint64_t begin = clock_mono_ms();
	test_server_stop(&t);
	assert_true(clock_mono_ms() - begin >= 250);
	client_close(&stuck);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wakes_race),
		cmocka_unit_test(test_no_wake_is_lost),
		cmocka_unit_test(test_wakes_and_closes),
		cmocka_unit_test(test_idle_connections),
		cmocka_unit_test(test_blocked_workers),
		cmocka_unit_test(test_pool_shrinks),
	};
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_jobs),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_drain),
		cmocka_unit_test(test_drain_cuts_off),
	};
	log_setup(LOG_TEXT, LOG_ERROR, 2);
	int failed = cmocka_run_group_tests(tests, start, stop);
	return failed + cmocka_run_group_tests(own, NULL, NULL);
}
