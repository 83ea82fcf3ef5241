/* Who gets in: limits by address, user and number, PROXY headers, descriptors out. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/fault.h"
#include "rt/limits.h"
#include "rt/test_server.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"

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

static void settle(struct test_server *t, uint64_t conns)
{
	struct server_stats stats;
	for (int i = 0; i < 100 * PATIENCE_S; i++) {
		server_stats(t->server, &stats);
		if (stats.conns <= conns)
			return;
		usleep(10000);
	}
	fail_msg("%llu connections are left", (unsigned long long)stats.conns);
}

/* How many octets come until "done" or the end. */
static size_t read_rest(struct client *c)
{
	static char block[1 << 16];
	size_t all = 0;
	for (;;) {
		ssize_t n = recv(client_fd(c), block, sizeof(block), 0);
		if (n < 0 && errno == EAGAIN)
			fail_msg("nothing came for %d s", PATIENCE_S);
		if (n <= 0)
			return all;
		all += (size_t)n;
		if (block[n - 1] == '\n')
			return all;
	}
}

static struct client *logged_in(uint16_t port)
{
	struct client *c = greeted(port);
	client_send(c, "user ann\r\n");
	client_expect(c, "ok");
	return c;
}

/* Users ask for more than the sockets hold and do not read it, all together for more than the ceiling: those whose turn comes last are cut off, the others get
 * all of it in the end, and who comes later is served. */
static void test_memory_ceiling(void **state)
{
	(void)state;
	enum { ALL = 15000000 };
	struct test_server t;
	struct server_config config = { .memory_max = (uint64_t)40 << 20, .out_bound = (uint64_t)16 << 20 };
	struct client *c[8];
	unsigned whole = 0;
	test_server_start(&t, &config, NULL);
	for (size_t i = 0; i < 8; i++) {
		c[i] = logged_in(t.port);
		client_take_little(c[i]);
		client_send(c[i], "write 15000000\r\n");
	}
	for (int i = 0; i < 100 * PATIENCE_S && atomic_load(&t.closed) < 1; i++)
		usleep(10000);
	assert_true(atomic_load(&t.closed) >= 1);
	struct client *late = greeted(t.port);
	quit(&late);
	for (size_t i = 0; i < 8; i++) {
		whole += read_rest(c[i]) > ALL;
		client_close(&c[i]);
	}
	assert_in_range(whole, 1, 7);
	late = greeted(t.port);
	client_send(late, "write 15000000\r\n");
	client_expect_run(late, ALL, 'x');
	client_expect(late, "done");
	quit(&late);
	settle(&t, 0);
	test_server_stop(&t);
}

static bool is_open(struct client *c)
{
	char octet;
	return recv(client_fd(c), &octet, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* Handshakes that never end, many more than there is room for: the oldest go. Who comes anew is served while they stay, and a user who holds much is not
 * touched for their sake. */
static void stalled_handshakes(void)
{
	enum { CROWD = 300, YOUNG = 20, MEMORY = 16 << 20, ROOM = SHED_HIGH(MEMORY) / CONN_HANDSHAKE_COST, LARGE = 3000000 };
	struct server_stats stats = { 0 };
	struct test_server t;
	struct tls_identity id = test_identity("localhost");
	struct tls_options tls = { .identities = &id, .n_identities = 1 };
	struct server_config config = { .memory_max = MEMORY, .out_bound = MEMORY, .handshake_timeout_ms = 3600000 };        /* not by time */
	struct client *crowd[CROWD];
	test_server_start(&t, &config, &tls);
	struct client *user = logged_in(t.port);
	client_take_little(user);
	client_send(user, "write 3000000\r\n");
	for (size_t i = 0; i < CROWD; i++) {
		crowd[i] = client_open(t.tls_port);
		client_send_bytes(crowd[i], "\x16\x03\x01\x02\x00\x01", 6);
	}
	for (int i = 0; i < 100 * PATIENCE_S && stats.conns_total <= CROWD; i++) {
		server_stats(t.server, &stats);
		usleep(10000);
	}
	settle(&t, ROOM + 1);
	for (int i = 0; i < 100 * PATIENCE_S && is_open(crowd[0]); i++)        /* a thread may be with it still */
		usleep(10000);
	assert_false(is_open(crowd[0]));
	size_t young = 0;
	for (size_t i = CROWD - YOUNG; i < CROWD; i++)
		young += is_open(crowd[i]);
	assert_true(young > 0);
	for (int i = 0; i < 20; i++) {
		struct client *friend = client_open(t.tls_port);
		assert_true(client_start_tls(friend, 0, NULL, NULL));
		client_expect(friend, "hello");
		quit(&friend);
	}
	client_expect_run(user, LARGE, 'x');
	client_expect(user, "done");
	for (size_t i = 0; i < CROWD; i++)
		client_close(&crowd[i]);
	quit(&user);
	settle(&t, 0);
	test_server_stop(&t);
	test_identity_remove(&id);
}

static void test_stalled_handshakes(void **state)
{
	(void)state;
	stalled_handshakes();
}

/* The last of the crowd come while a thread looks for who may go: it has not seen them, and nobody comes afterwards. */
static void test_stalled_handshakes_unseen(void **state)
{
	(void)state;
	fault_setup("rt.slow_shed=1/1");
	stalled_handshakes();
	fault_setup(NULL);
}

static struct client *proxied(struct test_server *t, const char *from)
{
	char line[128];
	struct client *c = client_open(t->proxy_port);
	snprintf(line, sizeof(line), "PROXY TCP%d %s %s 1000 143\r\n", strchr(from, ':') ? 6 : 4, from, from);
	client_send(c, line);
	return c;
}

static void test_conns_max(void **state)
{
	(void)state;
	struct test_server t;
	struct server_config config = { .conns_max = 10 };
	struct client *c[10];
	test_server_start(&t, &config, NULL);
	for (size_t i = 0; i < 10; i++)
		c[i] = greeted(t.port);
	for (int i = 0; i < 3; i++) {
		struct client *refused = client_open(t.port);
		client_expect_end(refused);
		client_close(&refused);
	}
	struct server_stats stats;
	server_stats(t.server, &stats);
	assert_int_equal(stats.refused, 3);
	assert_int_equal(stats.conns, 10);
	quit(&c[0]);
	settle(&t, 9);
	c[0] = greeted(t.port);
	for (size_t i = 0; i < 10; i++)
		quit(&c[i]);
	test_server_stop(&t);
}

/* IPv4 by address, IPv6 by /64; loopback is exempt. */
static void test_per_address(void **state)
{
	(void)state;
	struct test_server t;
	struct server_config config = { .conns_per_ip = 2 };
	test_server_start(&t, &config, NULL);
	static const struct { const char *from; bool gets_in; } cases[] = {
		{ "192.0.2.1", true },          { "192.0.2.1", true },         { "192.0.2.1", false },        { "192.0.2.2", true },
		{ "2001:db8:0:1::1", true },    { "2001:db8:0:1::2", true },   { "2001:db8:0:1:ff::3", false }, { "2001:db8:0:2::1", true },
		{ "::ffff:192.0.2.2", true },   { "192.0.2.2", false },        { "127.0.0.1", true },         { "127.0.0.1", true },
		{ "127.0.0.1", true },          { "::1", true },               { "::1", true },               { "::1", true },
	};
	enum { COUNT = sizeof(cases) / sizeof(cases[0]) };
	struct client *c[COUNT];
	const char *why = "why=\"too many from this address\"";
	int64_t refused = metric_read("troika_rt_refused_total", why), expected = 0;
	for (size_t i = 0; i < COUNT; i++)
		expected += !cases[i].gets_in;
	for (size_t i = 0; i < COUNT; i++) {
		c[i] = proxied(&t, cases[i].from);
		if (cases[i].gets_in)
			client_expect(c[i], "hello");
		else
			client_expect_end(c[i]);
	}
	assert_int_equal(metric_read("troika_rt_refused_total", why), refused + expected);
	quit(&c[0]);
	settle(&t, COUNT - 4);
	c[0] = proxied(&t, "192.0.2.1");
	client_expect(c[0], "hello");
	for (size_t i = 0; i < COUNT; i++)
		client_close(&c[i]);
	test_server_stop(&t);
}

static void test_per_user(void **state)
{
	(void)state;
	int64_t refused = metric_read_all("troika_rt_users_refused_total");
	struct test_server t;
	struct server_config config = { .conns_per_user = 2 };
	struct client *c[4];
	test_server_start(&t, &config, NULL);
	static const char *const ask[] = { "user ann\r\n", "user ann\r\n", "user ann\r\n", "user bob\r\n" };
	static const char *const get[] = { "ok", "ok", "busy", "ok" };
	for (size_t i = 0; i < 4; i++) {
		c[i] = greeted(t.port);
		client_send(c[i], ask[i]);
		client_expect(c[i], get[i]);
	}
	quit(&c[1]);
	settle(&t, 3);
	client_send(c[2], "user ann\r\nuser ann\r\n");
	client_expect(c[2], "ok");
	client_expect(c[2], "busy");        /* once a connection */
	assert_int_equal(metric_read_all("troika_rt_users_refused_total"), refused + 1);
	for (size_t i = 0; i < 4; i++)
		if (i != 1)
			quit(&c[i]);
	test_server_stop(&t);
}

static void test_proxy_headers(void **state)
{
	(void)state;
	static const struct { const char *header; size_t n; const char *who; } cases[] = {
#define H(text) text, sizeof(text) - 1
		{ H("PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\n"), "192.0.2.1 56324 198.51.100.2 25" },
		{ H("PROXY TCP6 2001:db8::1 2001:db8::2 56324 25\r\n"), "2001:db8::1 56324 2001:db8::2 25" },
		{ H(V2 "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x00\x19"), "192.0.2.1 56324 198.51.100.2 25" },
		{ H("PROXY UNKNOWN\r\n"), "127.0.0.1 *" },
		{ H(V2 "\x20\x00\x00\x00"), "127.0.0.1 *" },
		{ H("PROXY TCP4 192.0.2.1 198.51.100.2 56324 99999\r\n"), NULL },
		{ H("EHLO example.org\r\n"), NULL },
		{ H(V2 "\x31\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x00\x19"), NULL },
#undef H
	};
	struct test_server t;
	test_server_start(&t, NULL, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int slowly = 0; slowly < 2; slowly++) {
			struct client *c = client_open(t.proxy_port);
			for (size_t n = 0; slowly && n < cases[i].n - 1; n++) {
				if (cases[i].who) {
					client_send_bytes(c, cases[i].header + n, 1);
					usleep(300);
				}
			}
			if (slowly && cases[i].who)
				client_send_bytes(c, cases[i].header + cases[i].n - 1, 1);
			else
				client_send_bytes(c, cases[i].header, cases[i].n);
			if (!cases[i].who) {
				client_expect_end(c);
				client_close(&c);
				continue;
			}
			client_send(c, "who\r\n");        /* may come in one piece with the header */
			client_expect(c, "hello");
			if (strchr(cases[i].who, '*'))
				assert_int_equal(strncmp(client_line(c), cases[i].who, strlen(cases[i].who) - 1), 0);
			else
				client_expect(c, cases[i].who);
			quit(&c);
		}
	}
	/* From an address that is not listed a header is just a strange command. */
	struct client *c = greeted(t.port);
	client_send(c, "PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\nwho\r\n");
	client_expect(c, "what");
	assert_int_equal(strncmp(client_line(c), "127.0.0.1 ", 10), 0);
	quit(&c);
	test_server_stop(&t);
}

/* A header that never ends is no reason to wait longer than for a handshake. */
static void test_proxy_timeout(void **state)
{
	(void)state;
	struct test_server t;
	struct server_config config = { .handshake_timeout_ms = 300 };
	test_server_start(&t, &config, NULL);
	struct client *c = client_open(t.proxy_port);
	client_send(c, "PROXY TCP4 192.0.2.1");
	client_expect_end(c);
	client_close(&c);
	test_server_stop(&t);
}

/* Those beyond the minimum end when nothing has come for some seconds. */
static void wait_for_one_worker(struct test_server *t)
{
	struct server_stats stats;
	for (int i = 0; i < 100 * PATIENCE_S; i++) {
		server_stats(t->server, &stats);
		if (stats.workers == 1)
			return;
		usleep(10000);
	}
	fail_msg("%llu workers are left", (unsigned long long)stats.workers);
}

/* A thread that cannot be started is started later, though the only one there is stays busy with a peer that does not read. */
static void test_thread_out(void **state)
{
	(void)state;
	enum { ALL = 15000000 };
	struct test_server t;
	struct server_config config = { .workers_min = 1, .workers_max = 4 };
	test_server_start(&t, &config, NULL);
	struct client *busy = greeted(t.port);
	client_take_little(busy);
	wait_for_one_worker(&t);
	fault_setup("rt.thread=1");
	client_send(busy, "write 15000000\r\n");
	client_expect_run(busy, 1, 'x');
	assert_false(fault_hit("rt.thread"));        /* the first time is over */
	struct client *other = greeted(t.port);
	quit(&other);
	fault_setup(NULL);
	client_expect_run(busy, ALL - 1, 'x');
	client_expect(busy, "done");
	quit(&busy);
	test_server_stop(&t);
}

/* Without descriptors new connections are closed at once, old ones go on, and afterwards all is well. */
static void test_descriptors_out(void **state)
{
	(void)state;
	struct test_server t;
	struct rlimit limit, before;
	int filler[512] = { 0 };
	size_t count = 0;
	test_server_start(&t, NULL, NULL);
	struct client *old = greeted(t.port), *spare = client_open(t.port);
	client_expect(spare, "hello");
	quit(&spare);
	settle(&t, 1);        /* its descriptor on the server's side is closed too */
	getrlimit(RLIMIT_NOFILE, &before);
	limit = before;
	limit.rlim_cur = 256;
	setrlimit(RLIMIT_NOFILE, &limit);
	while (count < 512 && (filler[count] = open("/dev/null", O_RDONLY)) >= 0)
		count++;
	assert_true(count > 0);
	close(filler[--count]);        /* one for the client's own socket */
	struct client *refused = client_open(t.port);
	client_expect_end(refused);
	client_send(old, "echo still\r\n");
	client_expect(old, "still");
	client_close(&refused);
	while (count > 0)
		close(filler[--count]);
	setrlimit(RLIMIT_NOFILE, &before);
	spare = greeted(t.port);
	quit(&spare);
	quit(&old);
	test_server_stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conns_max),     cmocka_unit_test(test_per_address),   cmocka_unit_test(test_per_user),
		cmocka_unit_test(test_proxy_headers), cmocka_unit_test(test_proxy_timeout), cmocka_unit_test(test_descriptors_out),
		cmocka_unit_test(test_memory_ceiling), cmocka_unit_test(test_thread_out), cmocka_unit_test(test_stalled_handshakes),
		cmocka_unit_test(test_stalled_handshakes_unseen),
	};
	log_setup(LOG_TEXT, LOG_ERROR, 2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
