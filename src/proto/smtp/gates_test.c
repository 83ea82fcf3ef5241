/* The guard behind its gate: what a session is told by points, lists and SPF. Content filters: tests/milter, tests/e2e/milters.py. */
#include "proto/smtp/fixture.h"
#include "proto/smtp/gates.h"

#define SEND(sender, rcpt) HELLO "MAIL FROM:<" sender ">\r\nRCPT TO:<" rcpt ">\r\n" MESSAGE

struct guarded {
	struct guard *guard;
	struct smtp_gate gate;
	struct dns_source dns;
};

static void begin(struct world *w, struct guarded *g, const struct guard_config *c)
{
	struct err e = { 0 };

	dns_zone_add(w->zone, "1.2.0.192.bad.example A 127.0.0.2\n1.2.0.192.bad.example TXT Ask us\nb.example TXT v=spf1 ip4:192.0.2.1 -all\n");
	g->dns = dns_zone_source(w->zone);
	if (guard_open(w->house.store, &g->dns, c, &g->guard, &e))
		fail_msg("%s", e.log);
	g->gate = smtp_gate_guard(g->guard);
	w->service.gates = &g->gate;
	w->service.n_gates = 1;
}

static void end(struct world *w, struct guarded *g)
{
	w->service.n_gates = 0;
	guard_close(&g->guard);
}

static void lists_refuse(void **state)
{
	static const struct str lists[] = { STR_INIT("bad.example=5") };
	struct world *w = *state;
	struct guarded g;

	begin(w, &g, &(struct guard_config){ .dnsbl = lists, .n_dnsbl = 1, .dnsbl_limit_ms = 100000, .reject_points = 5 });
	world_say(w, HELLO "MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.org>\r\n", "550 5.7.1 Refused because of bad.example: Ask us");
	world_say(w, SEND("a@b.example", "postmaster@example.org"), "250 2.0.0 Ok: kept");
	/* who is inside is not asked */
	w->config.smtp_relay_from = STR("192.0.2.0/24");
	world_configure(w);
	world_say(w, SEND("a@b.example", "alice@example.org"), "250 2.0.0 Ok: kept");
	world_submit(w, SEND("alice@example.org", "bob@example.org"), "250 2.0.0 Ok: kept");
	end(w, &g);
}

static void points_are_junk(void **state)
{
	static const struct str lists[] = { STR_INIT("bad.example=5") };
	struct world *w = *state;
	struct guarded g;

	begin(w, &g, &(struct guard_config){ .dnsbl = lists, .n_dnsbl = 1, .dnsbl_limit_ms = 100000, .junk_points = 5, .tarpit_points = 5, .tarpit_ms = 1000 });
	world_say(w, SEND("a@b.example", "alice@example.org"), "250 2.0.0 Ok: kept");
	world_read(w, 1, "Junk");
	end(w, &g);
}

static void greylisting_asks_spf(void **state)
{
	struct world *w = *state;
	struct guarded g;
	struct guard_config c = { .greylist = true, .greylist_delay_ms = 60000, .greylist_window_ms = 3600000, .greylist_life_ms = 3600000 };

	begin(w, &g, &c);
	world_say(w, HELLO "MAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.org>\r\n", "451 4.7.1 Greylisted, come again in 60 seconds");
	w->service.dns = &g.dns;
	w->config.smtp_unchecked_from = STR("198.51.100.0/24");
	world_configure(w);
	world_say(w, HELLO "MAIL FROM:<b@b.example>\r\nRCPT TO:<alice@example.org>\r\n", "250 2.1.5 Recipient ok");
	world_say(w, HELLO "MAIL FROM:<b@other.example>\r\nRCPT TO:<alice@example.org>\r\n", "451 4.7.1 Greylisted");
	c.greylist_spf = true;
	assert_int_equal(guard_set_config(g.guard, &c, NULL), 0);
	world_say(w, HELLO "MAIL FROM:<c@b.example>\r\nRCPT TO:<alice@example.org>\r\n", "451 4.7.1 Greylisted");
	w->service.dns = NULL;
	end(w, &g);
}

static void crowds_are_turned_away(void **state)
{
	struct world *w = *state;
	struct guarded g;
	struct conn first;

	begin(w, &g, &(struct guard_config){ .connections = 1 });
	script_house_visit(&first, &w->service, "192.0.2.77");
	assert_true(str_starts(buf_str(&first.out), STR("220 ")));
	world_say(w, HELLO, "421 4.7.0 Too many connections from your network");
	script_close(&first);
	buf_fini(&first.out);
	world_say(w, HELLO, "250 ");
	end(w, &g);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = { T(lists_refuse), T(points_are_junk), T(greylisting_asks_spf), T(crowds_are_turned_away) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
