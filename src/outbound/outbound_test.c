/* The whole room: a queue on a store in memory, a zone for the DNS, scripted servers on addresses of loopback; jobs go in, results come out. */
#include "outbound/world_fixture.h"

#include "base/clock.h"
#include "outbound/drop.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

/* ---- hosts ---- */

static void test_goes_to_its_mx(void **state)
{
	(void)state;
	const struct script script = { { HELLO, TAKES } };
	struct scripted_peer p;
	char route[64];

	scripted_peer_start(&p, "127.0.0.2", 0, &script, 1);
	struct world *w = world_begin("there.example MX 10 mx.there.example\nmx.there.example A 127.0.0.2", (const char *const[]){ port_route(route, sizeof route, p.port), NULL });
	submit_one(w, 0, "a@there.example");
	world_start(w);
	wait_for(w, 1);
	assert_int_equal(world_stats(w).relayed, 1);
	assert_string_equal(show_queue(w), "");
	world_end(w);
	assert_true(str_eq(buf_str(&p.data), STR(MESSAGE)));
	scripted_peer_stop(&p);
}

/* The first refuses the connection, the second greets with 554, the third defers the recipient, the fourth takes it. */
static void test_the_next_mx(void **state)
{
	(void)state;
	const struct script no = { { "S 554 go away", "C QUIT", "S 221 x" } }, later = { { HELLO, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 450 4.2.0 grey", "S 554 x" } },
						takes = { { HELLO, TAKES } };
	struct scripted_peer second, third, fourth;
	char route[64];

	scripted_peer_start(&second, "127.0.0.3", 0, &no, 1);
	scripted_peer_start(&third, "127.0.0.4", second.port, &later, 1);
	scripted_peer_start(&fourth, "127.0.0.5", second.port, &takes, 1);
	struct world *w = world_begin("there.example MX 10 a.there.example\nthere.example MX 20 b.there.example\nthere.example MX 30 c.there.example\nthere.example MX 40 d.there.example\n"
							"a.there.example A 127.0.0.2\nb.there.example A 127.0.0.3\nc.there.example A 127.0.0.4\nd.there.example A 127.0.0.5",
							(const char *const[]){ port_route(route, sizeof route, second.port), NULL });
	submit_one(w, 0, "a@there.example");
	world_start(w);
	wait_for(w, 1);
	assert_int_equal(world_stats(w).relayed, 1);
	world_end(w);
	assert_int_equal(second.connections, 1);
	assert_int_equal(third.connections, 1);
	assert_int_equal(fourth.connections, 1);
	scripted_peer_stop(&second);
	scripted_peer_stop(&third);
	scripted_peer_stop(&fourth);
}

/* After the end of data another host might double it. */
static void test_lost_after_data_waits(void **state)
{
	(void)state;
	const struct script lost = { { HELLO, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 354 go", "D", "X" } }, takes = { { HELLO, TAKES } };
	struct scripted_peer first, second;
	char route[64];

	scripted_peer_start(&first, "127.0.0.2", 0, &lost, 1);
	scripted_peer_start(&second, "127.0.0.3", first.port, &takes, 1);
	struct world *w = world_begin("there.example MX 10 a.there.example\nthere.example MX 20 b.there.example\na.there.example A 127.0.0.2\nb.there.example A 127.0.0.3",
							(const char *const[]){ port_route(route, sizeof route, first.port), NULL });
	submit_one(w, 0, "a@there.example");
	world_start(w);
	wait_for(w, 1);
	assert_int_equal(world_stats(w).deferred, 1);
	assert_int_equal(world_stats(w).lost_after_data, 1);
	world_end(w);
	assert_int_equal(second.connections, 0);
	scripted_peer_stop(&first);
	scripted_peer_stop(&second);
}

/* Whom the only session did not answer is tried again, whatever was wrong with the host before it. */
static void test_unanswered_is_deferred(void **state)
{
	(void)state;
	const struct script tired = { { HELLO, TAKES_MORE, "C MAIL", "S 421 enough", "X" } };
	struct scripted_peer p;
	char route[64];

	scripted_peer_start(&p, "127.0.0.2", 0, &tired, 1);
	struct world *w = world_begin("there.example MX 10 dead.there.example\nthere.example MX 20 mx.there.example\ndead.there.example TXT x\nmx.there.example A 127.0.0.2",
							(const char *const[]){ port_route(route, sizeof route, p.port), NULL });
	submit(w, QUEUE_VERP, (const char *const[]){ "a@there.example", "b@there.example", NULL });
	world_start(w);
	wait_for(w, 2);
	assert_int_equal(world_stats(w).relayed, 1);
	assert_int_equal(world_stats(w).deferred, 1);
	world_end(w);
	scripted_peer_stop(&p);
}

/* "Later" from one host stands against "never" from the next. */
static void test_deferred_then_refused(void **state)
{
	(void)state;
	const struct script later = { { HELLO, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 451 4.3.0 later", "S 554 x" } },
						never = { { HELLO, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 550 5.1.1 never", "S 554 x" } };
	struct scripted_peer first, second;
	char route[64];

	scripted_peer_start(&first, "127.0.0.2", 0, &later, 1);
	scripted_peer_start(&second, "127.0.0.3", first.port, &never, 1);
	struct world *w = world_begin("there.example MX 10 a.there.example\nthere.example MX 20 b.there.example\na.there.example A 127.0.0.2\nb.there.example A 127.0.0.3",
							(const char *const[]){ port_route(route, sizeof route, first.port), NULL });
	submit_one(w, 0, "a@there.example");
	world_start(w);
	wait_for(w, 1);
	assert_int_equal(world_stats(w).failed, 0);
	assert_non_null(strstr(show_queue(w), "a@there.example 4.3.0 451 4.3.0 later"));
	world_end(w);
	assert_int_equal(second.connections, 1);
	scripted_peer_stop(&first);
	scripted_peer_stop(&second);
}

/* RFC 5321 5.1: ourselves are found by address among equal hosts, perhaps after another one was tried. */
static void test_ourselves_among_equals(void **state)
{
	(void)state;
	struct net_endpoint here = { .port = 1 };
	const struct str route = STR("* smtp port=1");
	struct outbound_config c = { .hostname = STR("us.example"), .routes = &route, .n_routes = 1, .ip = OUTBOUND_IPV4_ONLY, .own_endpoints = &here, .n_own_endpoints = 1 };

	assert_true(net_addr_parse(STR("127.0.0.3"), 4, &here.addr));
	for (unsigned i = 0; i < 8; i++) {
		struct world *w = world_begin("there.example MX 10 a.there.example\nthere.example MX 10 b.there.example\na.there.example A 127.0.0.2\nb.there.example A 127.0.0.3", NULL);
		assert_int_equal(outbound_set_config(w->outbound, &c, NULL), 0);
		w->sender = STR_NONE;
		submit_one(w, 0, "a@there.example");
		world_start(w);
		wait_for(w, 1);
		world_end(w);
	}
}

static void test_nobody_answers(void **state)
{
	(void)state;
	struct world *w = world_begin("there.example A 127.0.0.9", (const char *const[]){ "* smtp port=1", NULL });
	struct queue_destination_stats *d;
	size_t n;

	submit_one(w, 0, "a@there.example");
	world_start(w);
	wait_for(w, 1);
	assert_int_equal(world_stats(w).deferred, 1);
	/* The destination as a whole rests. */
	assert_int_equal(queue_destinations(w->queue, &w->arena, 10, &d, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(d[0].failures, 1);
	assert_non_null(strstr(show_queue(w), "a@there.example 4.4.1 there.example: connect to 127.0.0.9:1"));
	world_end(w);
}

static void test_dns_says_no(void **state)
{
	(void)state;
	static const struct { const char *zone, *status; bool fails; } cases[] = {
		{ "there.example MX 0 .", "5.1.10", true }, { "else.example A 127.0.0.2", "5.1.2", true }, { "there.example MX 10 us.example", "5.4.6", true },
		{ "there.example MX 10 nothing.example\nnothing.example TXT x", "5.4.4", true }, { "there.example MX !temporary", "4.4.3", false },
		{ "there.example MX !bogus", "4.4.3", false }, { "there.example MX 10 a.there.example\na.there.example A !temporary", "4.4.3", false },
		{ "there.example MX 10 a.there.example\nthere.example MX 20 b.there.example\na.there.example TXT x\nb.there.example A !temporary", "4.4.3", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct world *w = world_begin(cases[i].zone, NULL);
		w->sender = STR_NONE;             /* no notice of it */
		submit_one(w, 0, "a@there.example");
		world_start(w);
		wait_for(w, 1);
		if (world_stats(w).failed != cases[i].fails || world_stats(w).deferred == cases[i].fails)
			fail_msg("%s: failed %lu deferred %lu", cases[i].zone, world_stats(w).failed, world_stats(w).deferred);
		if (!cases[i].fails && !strstr(show_queue(w), cases[i].status))
			fail_msg("%s: %s", cases[i].zone, show_queue(w));
		world_end(w);
	}
}

/* ---- TLS ---- */

/* A handshake that fails is followed by a session without TLS where nothing was promised; where it was, by none. */
static void test_tls_fails(void **state)
{
	(void)state;
	const struct script broken = { { HELLO, "C QUIT", "S 221 x" } };
	const struct script scripts[] = { { { "S 220 mx", "C EHLO", "S 250-mx", "S 250-PIPELINING", "S 250 STARTTLS", "C STARTTLS", "S 220 go", "W", "S rubbish", "X" } },
									  { { "S 220 mx", "C EHLO", "S 250-mx", "S 250-PIPELINING", "S 250 STARTTLS", TAKES } } };
	static const struct { const char *zone; bool secure; unsigned flags; unsigned relayed, failed; const char *status, *reports; } cases[] = {
		{ "there.example MX 10 mx.there.example\nmx.there.example A 127.0.0.2", false, 0, 1, 0, NULL, "there.example 2 validation-failure|" },
		{ "there.example MX 10 mx.there.example\nmx.there.example A 127.0.0.2\n_P._tcp.mx.there.example TLSA 3 1 1 "
		  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", true, 0, 0, 0, "4.7.5", "there.example 1 validation-failure|" },
		/* TLS-Required: No */
		{ "there.example MX 10 mx.there.example\nmx.there.example A 127.0.0.2\n_P._tcp.mx.there.example TLSA 3 1 1 "
		  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", true, QUEUE_TLS_OPTIONAL, 1, 0, NULL, "" },
		{ "there.example MX 10 mx.there.example\nmx.there.example A 127.0.0.2", false, QUEUE_REQUIRETLS, 0, 1, NULL, "" },
		/* RFC 8689 4.2.1: the host is the right one, but has no TLS: the sender is told at once */
		{ "there.example MX 10 mx.there.example\nmx.there.example A 127.0.0.2", true, QUEUE_REQUIRETLS, 0, 1, NULL, "there.example 2 starttls-not-supported|" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct scripted_peer p;
		char route[64], zone[512], port[16];
		scripted_peer_start(&p, "127.0.0.2", 0, cases[i].failed ? &broken : scripts, cases[i].failed ? 1 : 2);
		snprintf(port, sizeof port, "_%u.", p.port);
		str_copy_c(zone, sizeof zone, str_from_c(cases[i].zone));
		char *place = strstr(zone, "_P.");
		if (place)
			snprintf(zone, sizeof zone, "%.*s%s%s", (int)(place - zone), cases[i].zone, port, cases[i].zone + (place - zone) + 3);
		struct world *w = world_begin(zone, (const char *const[]){ port_route(route, sizeof route, p.port), NULL });
		if (cases[i].secure)
			dns_zone_secure(w->zone, "there.example");
		w->sender = STR("s@us.example");
		submit_one(w, cases[i].flags, "a@there.example");
		world_start(w);
		wait_for(w, 1);
		if (world_stats(w).relayed != cases[i].relayed || world_stats(w).failed != cases[i].failed)
			fail_msg("case %zu: %s", i, show_queue(w));
		if (cases[i].status)
			assert_non_null(strstr(show_queue(w), cases[i].status));
		if (!str_eq(buf_str(&w->reports), str_from_c(cases[i].reports)))
			fail_msg("case %zu: %.*s", i, STR_ARG(buf_str(&w->reports)));
		world_end(w);
		scripted_peer_stop(&p);
	}
}

/* ---- other ways ---- */

static void test_other_transports(void **state)
{
	(void)state;
	char dir[] = "/tmp/troika-outbound-XXXXXX", maildir[64], mbox[64], path[512], text[4096];

	assert_non_null(mkdtemp(dir));
	snprintf(maildir, sizeof maildir, "files.example maildir:%s/drop", dir);
	snprintf(mbox, sizeof mbox, "box.example mbox:%s/box", dir);
	struct world *w = world_begin("", (const char *const[]){ maildir, mbox, "gone.example discard", "refused.example error:5.1.2 No such place", NULL });
	submit(w, 0, (const char *const[]){ "a@files.example", "b@files.example", "a@box.example", "b@box.example", "a@gone.example", "a@us.example", NULL });
	w->sender = STR_NONE;
	submit_one(w, 0, "a@refused.example");
	world_start(w);
	wait_for(w, 7);
	assert_int_equal(world_stats(w).delivered, 6);
	assert_int_equal(world_stats(w).failed, 1);
	assert_int_equal(w->local, 1);
	world_end(w);
	snprintf(path, sizeof path, "%s/drop/new", dir);
	DIR *d = opendir(path);
	unsigned files = 0;
	assert_non_null(d);
	for (struct dirent *entry; (entry = readdir(d));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/drop/new/%s", dir, entry->d_name);
		int fd = open(path, O_RDONLY);
		ssize_t n = read(fd, text, sizeof text - 1);
		close(fd);
		text[n > 0 ? n : 0] = '\0';
		assert_non_null(strstr(text, "Return-Path: <s@here.example>\nDelivered-To: "));
		assert_non_null(strstr(text, "@files.example\nFrom: s@here.example\nSubject: test\n\nHello.\n"));
		unlink(path);
		files++;
	}
	closedir(d);
	assert_int_equal(files, 2);
	snprintf(path, sizeof path, "%s/box", dir);
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	assert_true(str_starts(str_from_c(text), STR("From s@here.example ")));
	assert_non_null(strstr(text, "\n\nFrom s@here.example "));
	static const char *const left[] = { "box", "drop/new", "drop/tmp", "drop/cur", "drop", "" };
	for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, left[i]);
		assert_int_equal(remove(path), 0);
	}
}

/* A lock is of the open file: another thread's counts too. */
static void test_mbox_is_locked(void **state)
{
	(void)state;
	char path[] = "/tmp/troika-mbox-XXXXXX";
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct drop d = { .sender = STR("s@here.example"), .recipient = STR("a@box.example"), .message = STR(MESSAGE) };
	_Atomic bool cancel = true;
	int fd = mkstemp(path);

	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	assert_int_not_equal(drop_mbox(path, &d, &cancel, NULL), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	close(fd);
	assert_int_equal(drop_mbox(path, &d, &cancel, NULL), 0);
	unlink(path);
}

/* A failure comes back to its sender as a notice of ours, and over the network when the sender is elsewhere. */
static void test_notice(void **state)
{
	(void)state;
	const struct script refuses = { { HELLO, "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 550 5.1.1 no such user", "S 554 x", "C QUIT", "S 221 x" } };
	const struct script takes = { { HELLO, "C MAIL FROM:<>", "C RCPT TO:<s@here.example>", "C DATA", "S 250 ok", "S 250 ok", "S 354 go", "D", "S 250 ok" } };
	struct scripted_peer there, here;
	char route[64];

	scripted_peer_start(&there, "127.0.0.2", 0, &refuses, 1);
	scripted_peer_start(&here, "127.0.0.3", there.port, &takes, 1);
	struct world *w = world_begin("there.example A 127.0.0.2\nhere.example A 127.0.0.3", (const char *const[]){ port_route(route, sizeof route, there.port), NULL });
	submit_one(w, 0, "a@there.example");
	world_start(w);
	wait_for(w, 2);
	assert_int_equal(world_stats(w).failed, 1);
	assert_int_equal(world_stats(w).relayed, 1);
	assert_int_equal(world_stats(w).notices, 1);
	assert_string_equal(show_queue(w), "");
	world_end(w);
	assert_non_null(memmem(here.data.p, here.data.n, "Status: 5.1.1", 13));
	assert_non_null(memmem(here.data.p, here.data.n, "550 5.1.1 no such user", 22));
	scripted_peer_stop(&there);
	scripted_peer_stop(&here);
}

/* ---- the end, and new configurations ---- */

static void test_stop_cuts_connections(void **state)
{
	(void)state;
	const struct script hangs = { { HELLO, "C MAIL", "C RCPT", "C DATA", "P 3000" } };
	struct scripted_peer p;
	char route[64];

	scripted_peer_start(&p, "127.0.0.2", 0, &hangs, 1);
	snprintf(route, sizeof route, "* smtp:[127.0.0.2]:%u", p.port);
	struct world *w = world_begin("", (const char *const[]){ route, NULL });
	submit_one(w, 0, "a@there.example");
	world_start(w);
	for (uint64_t until = clock_mono_ms() + 180000; p.connections == 0 && clock_mono_ms() < until;)
		usleep(2000);
	usleep(50000);
	outbound_stop(w->outbound, 100);
	/* Not an attempt: it is as it was. */
	assert_int_equal(world_stats(w).deferred, 0);
	assert_string_equal(show_queue(w), "a@there.example  |");
	world_end(w);
	scripted_peer_stop(&p);
}

static void test_configurations(void **state)
{
	(void)state;
	struct world *w = world_begin("", (const char *const[]){ "example.org smtp concurrency=3 rate=60", NULL });
	struct queue_limits l;
	const struct str bad = STR("example.org nonsense"), good = STR("example.org smtp concurrency=4");
	struct outbound_config c = { .hostname = STR("us.example"), .routes = &bad, .n_routes = 1, .concurrency = 7 };
	struct err e = { 0 };

	outbound_limits(w->outbound, STR("example.org"), &l);
	assert_int_equal(l.concurrency, 3);
	assert_int_equal(l.per_minute, 60);
	assert_int_equal(outbound_set_config(w->outbound, &c, &e), ERR_CONFIG);
	assert_non_null(strstr(e.log, "nonsense"));
	outbound_limits(w->outbound, STR("example.org"), &l);
	assert_int_equal(l.concurrency, 3);
	c.routes = &good;
	assert_int_equal(outbound_set_config(w->outbound, &c, &e), 0);
	outbound_limits(w->outbound, STR("example.org"), &l);
	assert_int_equal(l.concurrency, 4);
	outbound_limits(w->outbound, STR("example.net"), &l);
	assert_int_equal(l.concurrency, 7);
	world_start(w);
	world_end(w);
}

static void test_warmup(void **state)
{
	(void)state;
	const struct script script = { { HELLO, TAKES_MORE, TAKES_MORE, "W" } };
	struct scripted_peer p;
	char route[128];

	scripted_peer_start(&p, "127.0.0.2", 0, &script, 1);
	snprintf(route, sizeof route, "* smtp:[127.0.0.2]:%u source=127.0.0.7 warmup=2020-01-01/1:2", p.port);
	struct world *w = world_begin("", (const char *const[]){ route, NULL });
	world_start(w);
	for (unsigned i = 0; i < 3; i++) {
		submit_one(w, 0, "a@there.example");
		wait_for(w, i + 1);
	}
	assert_int_equal(world_stats(w).relayed, 2);
	assert_int_equal(world_stats(w).deferred, 1);
	assert_non_null(strstr(show_queue(w), "4.4.5 all source addresses have sent what they may today"));
	world_end(w);
	scripted_peer_stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_to_its_mx), cmocka_unit_test(test_the_next_mx), cmocka_unit_test(test_lost_after_data_waits),
		cmocka_unit_test(test_unanswered_is_deferred), cmocka_unit_test(test_deferred_then_refused), cmocka_unit_test(test_ourselves_among_equals),
		cmocka_unit_test(test_nobody_answers), cmocka_unit_test(test_dns_says_no),
		cmocka_unit_test(test_tls_fails), cmocka_unit_test(test_other_transports), cmocka_unit_test(test_mbox_is_locked), cmocka_unit_test(test_notice),
		cmocka_unit_test(test_stop_cuts_connections), cmocka_unit_test(test_configurations), cmocka_unit_test(test_warmup),
	};
	return cmocka_run_group_tests_name("outbound/outbound", tests, NULL, NULL);
}
