/* Sessions with others: one for many messages, at rest between them, closed by the other side; in the whole room. */
#include "outbound/world_fixture.h"

#include "base/clock.h"

#include <unistd.h>

static void test_one_session_for_many(void **state)
{
	(void)state;
	const struct script script = { { HELLO, TAKES_MORE, TAKES_MORE, TAKES_MORE, "C QUIT", "S 221 bye" } };
	struct scripted_peer p;
	char route[64];

	scripted_peer_start(&p, "127.0.0.2", 0, &script, 1);
	snprintf(route, sizeof route, "* smtp:[127.0.0.2]:%u", p.port);
	struct world *w = world_begin("", (const char *const[]){ route, NULL });
	world_start(w);
	/* Over a smart host even for different destinations. */
	for (unsigned i = 0; i < 3; i++) {
		submit_one(w, 0, i == 1 ? "a@there.example" : "b@elsewhere.example");
		wait_for(w, i + 1);
	}
	assert_int_equal(world_stats(w).relayed, 3);
	assert_int_equal(world_stats(w).reused, 2);
	assert_int_equal(world_stats(w).idle_connections, 1);
	world_end(w);
	assert_int_equal(p.connections, 1);
	scripted_peer_stop(&p);
}

/* The sweep of the threads ends it, nobody else. */
static void test_resting_one_ends_by_itself(void **state)
{
	(void)state;
	const struct script script = { { HELLO, TAKES_MORE, "C QUIT", "S 221 bye" } };
	struct scripted_peer p;
	char text[64];

	scripted_peer_start(&p, "127.0.0.2", 0, &script, 1);
	const struct str route = str_from_c(port_route(text, sizeof text, p.port));
	struct outbound_config c = { .hostname = STR("us.example"), .routes = &route, .n_routes = 1, .ip = OUTBOUND_IPV4_ONLY, .idle_ms = 1 };
	struct world *w = world_begin("there.example A 127.0.0.2", NULL);
	assert_int_equal(outbound_set_config(w->outbound, &c, NULL), 0);
	world_start(w);
	submit_one(w, 0, "a@there.example");
	wait_for(w, 1);
	for (uint64_t until = clock_mono_ms() + 180000; world_stats(w).idle_connections && clock_mono_ms() < until;)
		usleep(5000);
	assert_int_equal(world_stats(w).idle_connections, 0);
	world_end(w);
	assert_int_equal(p.connections, 1);
	scripted_peer_stop(&p);
}

/* A session that rests makes room for another destination at the same host. */
static void test_resting_one_makes_room(void **state)
{
	(void)state;
	const struct script script = { { HELLO, TAKES_MORE, "C QUIT", "S 221 bye" } };
	struct scripted_peer p;
	char text[64];

	scripted_peer_start(&p, "127.0.0.2", 0, &script, 1);
	const struct str route = str_from_c(port_route(text, sizeof text, p.port));
	struct outbound_config c = { .hostname = STR("us.example"), .routes = &route, .n_routes = 1, .ip = OUTBOUND_IPV4_ONLY, .idle_ms = WORLD_IDLE_MS, .host_connections = 1 };
	struct world *w = world_begin("a.example A 127.0.0.2\nb.example A 127.0.0.2", NULL);
	assert_int_equal(outbound_set_config(w->outbound, &c, NULL), 0);
	world_start(w);
	submit_one(w, 0, "r@a.example");
	wait_for(w, 1);
	submit_one(w, 0, "r@b.example");
	wait_for(w, 2);
	assert_int_equal(world_stats(w).relayed, 2);
	world_end(w);
	assert_int_equal(p.connections, 2);
	scripted_peer_stop(&p);
}

/* Many threads, many destinations, few sessions; nothing is lost and nothing doubled. */
static void test_many_at_once(void **state)
{
	(void)state;
	const struct script script = { { "S 220 mx ESMTP", "C EHLO us.example", "S 250-mx", "S 250-PIPELINING", "S 250 CHUNKING", "G" } };
	struct scripted_peer p;
	char route[64], address[64];

	scripted_peer_start(&p, "127.0.0.2", 0, &script, 1);
	snprintf(route, sizeof route, "* smtp:[127.0.0.2]:%u", p.port);
	struct world *w = world_begin("", (const char *const[]){ route, NULL });
	world_start(w);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(address, sizeof address, "r%u@d%u.example", i, i % 7);
		submit_one(w, 0, address);
	}
	wait_for(w, 500);
	struct outbound_stats s = world_stats(w);
	assert_int_equal(s.relayed, 500);
	assert_int_equal(s.deferred, 0);
	assert_int_equal(s.reused + s.connections, 500);
	assert_string_equal(show_queue(w), "");
	world_end(w);
	assert_int_equal(p.connections, s.connections);
	assert_int_equal(p.data.n, 500 * (sizeof MESSAGE - 1));
	scripted_peer_stop(&p);
}

static void test_session_closed_while_resting(void **state)
{
	(void)state;
	const struct script scripts[] = { { { HELLO, TAKES_MORE, "C MAIL", "S 421 idle too long", "X" } }, { { HELLO, TAKES_MORE } } };
	struct scripted_peer p;
	char route[64];

	scripted_peer_start(&p, "127.0.0.2", 0, scripts, 2);
	snprintf(route, sizeof route, "* smtp:[127.0.0.2]:%u", p.port);
	struct world *w = world_begin("", (const char *const[]){ route, NULL });
	world_start(w);
	for (unsigned i = 0; i < 2; i++) {
		submit_one(w, 0, "a@there.example");
		wait_for(w, i + 1);
	}
	assert_int_equal(world_stats(w).relayed, 2);
	assert_int_equal(world_stats(w).deferred, 0);
	world_end(w);
	assert_int_equal(p.connections, 2);
	scripted_peer_stop(&p);
}

static void test_too_many_recipients_at_once(void **state)
{
	(void)state;
	const struct script script = { { HELLO, "C MAIL", "C RCPT", "C RCPT", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 452 too many", "S 452 too many", "S 354 go", "D", "S 250 ok",
									 "C MAIL", "C RCPT", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 550 5.1.1 no", "S 354 go", "D", "S 250 ok" } };
	struct scripted_peer p;
	char route[64];

	scripted_peer_start(&p, "127.0.0.2", 0, &script, 1);
	snprintf(route, sizeof route, "* smtp:[127.0.0.2]:%u", p.port);
	struct world *w = world_begin("", (const char *const[]){ route, NULL });
	w->sender = STR_NONE;
	submit(w, 0, (const char *const[]){ "a@there.example", "b@there.example", "c@there.example", NULL });
	world_start(w);
	wait_for(w, 3);
	assert_int_equal(world_stats(w).relayed, 2);
	assert_int_equal(world_stats(w).failed, 1);
	world_end(w);
	scripted_peer_stop(&p);
}

static void test_verp(void **state)
{
	(void)state;
	const struct script script = { { HELLO, "C MAIL FROM:<s+a=there.example@here.example>", "C RCPT TO:<a@", "C DATA", "S 250 ok", "S 250 ok", "S 354 go", "D", "S 250 ok",
									 "C MAIL FROM:<s+b=there.example@here.example>", "C RCPT TO:<b@", "C DATA", "S 250 ok", "S 250 ok", "S 354 go", "D", "S 250 ok" } };
	struct scripted_peer p;
	char route[64];

	scripted_peer_start(&p, "127.0.0.2", 0, &script, 1);
	snprintf(route, sizeof route, "* smtp:[127.0.0.2]:%u", p.port);
	struct world *w = world_begin("", (const char *const[]){ route, NULL });
	submit(w, QUEUE_VERP, (const char *const[]){ "a@there.example", "b@there.example", NULL });
	world_start(w);
	wait_for(w, 2);
	assert_int_equal(world_stats(w).relayed, 2);
	world_end(w);
	scripted_peer_stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_session_for_many),
		cmocka_unit_test(test_resting_one_ends_by_itself),
		cmocka_unit_test(test_resting_one_makes_room),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_session_closed_while_resting),
		cmocka_unit_test(test_too_many_recipients_at_once),
		cmocka_unit_test(test_verp),
	};
	return cmocka_run_group_tests_name("outbound/sessions", tests, NULL, NULL);
}
