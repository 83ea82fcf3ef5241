#include "guard/guard.h"

#include "base/clock.h"
#include "rt/dns_zone.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MINUTE_MS ((int64_t)60 * 1000)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

struct fixture {
	struct store *store;
	struct dns_zone *zone;
	struct dns_source dns;
	struct guard *guard;
};

static struct net_addr addr_of(const char *text)
{
	struct net_addr a;

	assert_true(net_addr_parse(str_from_c(text), 0, &a));
	return a;
}

/* Rates are counted in minutes, hours and days of the clock: each test begins at a noon, far from the edge of an hour or a day. */
static int setup(void **state)
{
	const struct store_config c = { .engine = STORE_ENGINE_MEM, .create = true };
	struct fixture *f = calloc(1, sizeof *f);

	clock_shift_ms(DAY_MS + DAY_MS / 2 - clock_now_ms() % DAY_MS);
	assert_int_equal(store_open(&c, &f->store, NULL), 0);
	f->zone = dns_zone_create();
	dns_zone_add(f->zone, "7.2.0.192.bad.example A 127.0.0.2\n7.2.0.192.bad.example TXT Ask us\n9.2.0.192.good.example A 127.0.0.1\n");
	f->dns = dns_zone_source(f->zone);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	guard_close(&f->guard);
	dns_zone_destroy(&f->zone);
	store_close(&f->store);
	free(f);
	return 0;
}

static void reopen(struct fixture *f, const struct guard_config *c)
{
	struct err e = { 0 };

	guard_close(&f->guard);
	if (guard_open(f->store, &f->dns, c, &f->guard, &e))
		fail_msg("%s", e.log);
}

static struct guard_visit *visit(struct fixture *f, const char *ip, unsigned code)
{
	struct net_addr a = addr_of(ip);
	struct guard_visit *v;
	struct guard_verdict out;

	guard_connect(f->guard, &a, &v, &out);
	assert_non_null(v);
	assert_int_equal(out.decision == GUARD_REFUSE ? out.code : 0, code);
	return v;
}

static struct guard_verdict rcpt_as(struct guard_visit *v, const char *sender, const char *address, const char *user)
{
	struct guard_recipient r = { .sender = str_from_c(sender), .address = str_from_c(address), .user = str_from_c(user) };
	struct guard_verdict out;

	guard_rcpt(v, &r, &out);
	return out;
}

/* 0 or the code of the refusal. */
static unsigned rcpt(struct guard_visit *v, const char *sender, const char *address)
{
	struct guard_verdict out = rcpt_as(v, sender, address, "");

	return out.decision == GUARD_REFUSE ? out.code : 0;
}

static unsigned mail(struct guard_visit *v, const char *sender, const char *user)
{
	struct guard_verdict out;

	guard_mail(v, str_from_c(sender), str_from_c(user), &out);
	return out.decision == GUARD_REFUSE ? out.code : 0;
}

static enum guard_decision message(struct guard_visit *v, const char *sender, const char *user)
{
	struct guard_verdict out;

	guard_message(v, str_from_c(sender), str_from_c(user), &out);
	return out.decision;
}

/* Without a configuration nothing is asked and nothing refused. */
static void test_off(void **state)
{
	struct fixture *f = *state;
	struct guard_verdict out;

	reopen(f, &(struct guard_config){ .hostname = STR("mx.example") });
	struct guard_visit *v = visit(f, "192.0.2.7", 0);
	guard_helo(v, STR("mx.example"), &out);
	assert_int_equal(out.decision, GUARD_PASS);
	for (unsigned i = 0; i < 1000; i++) {
		guard_unknown_rcpt(v, &out);
		assert_int_equal(out.decision, GUARD_PASS);
		assert_int_equal(out.delay_ms, 0);
	}
	assert_int_equal(mail(v, "a@x", "") + rcpt(v, "a@x", "b@y"), 0);
	assert_int_equal(message(v, "a@x", ""), GUARD_PASS);
	assert_int_equal(guard_points(v), 0);
	guard_leave(&v);
	assert_int_equal(dns_zone_questions(f->zone), 0);
	/* no visit at all: no memory */
	guard_helo(NULL, STR("x"), &out);
	guard_unknown_rcpt(NULL, &out);
	assert_int_equal(rcpt(NULL, "a@x", "b@y") + mail(NULL, "a@x", ""), 0);
	guard_leave(&v);
}

static void test_points(void **state)
{
	static const struct str lists[] = { STR_INIT("bad.example=5"), STR_INIT("good.example=-3") };
	struct fixture *f = *state;
	struct guard_verdict out;

	reopen(f, &(struct guard_config){ .hostname = STR("mx.example"), .exempt = STR("192.0.2.128/25"), .dnsbl = lists, .n_dnsbl = 2, .dnsbl_limit_ms = 100000,
									  .helo = true, .junk_points = 4, .reject_points = 7, .tarpit_points = 5, .tarpit_ms = 3000 });
	struct guard_visit *v = visit(f, "192.0.2.7", 0);
	guard_helo(v, STR("client.example"), &out);
	assert_int_equal(out.delay_ms, 0);
	out = rcpt_as(v, "a@x", "b@y", "");
	assert_int_equal(out.decision, GUARD_PASS);
	assert_int_equal(out.delay_ms, 3000);
	assert_int_equal(guard_points(v), 5);
	assert_int_equal(message(v, "a@x", ""), GUARD_JUNK);
	/* after STARTTLS the name is said again, and counts once */
	guard_helo(v, STR("192.0.2.7"), &out);
	guard_helo(v, STR("192.0.2.7"), &out);
	assert_int_equal(guard_points(v), 7);
	out = rcpt_as(v, "a@x", "b@y", "");
	assert_int_equal(out.decision, GUARD_REFUSE);
	assert_int_equal(out.code, 550);
	assert_string_equal(out.text, "Refused because of bad.example: Ask us");
	assert_int_equal(rcpt(v, "a@x", "Postmaster@y") + rcpt(v, "a@x", "abuse@y"), 0);
	guard_leave(&v);
	v = visit(f, "192.0.2.9", 0);
	assert_int_equal(rcpt(v, "a@x", "b@y"), 0);
	assert_int_equal(guard_points(v), -3);
	guard_leave(&v);
	v = visit(f, "192.0.2.200", 0);          /* exempt */
	guard_helo(v, STR("mx.example"), &out);
	assert_int_equal(rcpt(v, "a@x", "b@y"), 0);
	assert_int_equal(guard_points(v), 0);
	guard_leave(&v);
}

static bool spf_yes(void *ctx)
{
	++*(unsigned *)ctx;
	return true;
}

static void test_greylist(void **state)
{
	struct fixture *f = *state;
	struct guard_config c = { .greylist = true, .greylist_delay_ms = 5 * (uint64_t)MINUTE_MS, .greylist_window_ms = 2 * (uint64_t)DAY_MS,
							  .greylist_life_ms = 36 * (uint64_t)DAY_MS, .greylist_known_after = 5 };
	unsigned asked = 0;

	reopen(f, &c);
	struct guard_visit *v = visit(f, "198.51.100.7", 0);
	struct guard_verdict out = rcpt_as(v, "list-1@x", "b@y", "");
	assert_int_equal(out.code, 451);
	assert_string_equal(out.text, "Greylisted, come again in 300 seconds");
	assert_int_equal(rcpt(v, "list-1@x", "postmaster@y"), 0);
	struct guard_recipient r = { .sender = STR("list-1@x"), .address = STR("b@y"), .spf_passes = spf_yes, .ctx = &asked };
	guard_rcpt(v, &r, &out);
	assert_int_equal(out.decision, GUARD_PASS);
	assert_int_equal(asked, 1);
	guard_leave(&v);
	clock_shift_ms(6 * MINUTE_MS);
	/* written down, after a restart, from another address of the network, with another number in the sender */
	reopen(f, &c);
	v = visit(f, "198.51.100.99", 0);
	assert_int_equal(rcpt(v, "list-22@X", "B@y"), 0);
	guard_rcpt(v, &r, &out);
	assert_int_equal(asked, 1);              /* SPF is asked only where it matters */
	assert_int_equal(rcpt(v, "other@x", "b@y"), 451);
	guard_leave(&v);
	/* only above so many points */
	c.greylist_points = 1;
	c.helo = true;
	assert_int_equal(guard_set_config(f->guard, &c, NULL), 0);
	v = visit(f, "198.51.100.99", 0);
	assert_int_equal(rcpt(v, "another@x", "b@y"), 0);
	guard_helo(v, STR("pc"), &out);
	assert_int_equal(rcpt(v, "another@x", "b@y"), 451);
	guard_leave(&v);
	struct guard_stats stats;
	guard_stats(f->guard, &stats);
	assert_int_equal(stats.greylisted, 2);
	assert_true(stats.known > 2);
	/* and forgotten when its time is over */
	clock_shift_ms(40 * DAY_MS);
	assert_int_equal(guard_tick(f->guard, clock_now()), 0);
	guard_stats(f->guard, &stats);
	assert_int_equal(stats.known, 0);
}

static void test_crowd(void **state)
{
	struct fixture *f = *state;
	struct guard_visit *v[3], *other;

	reopen(f, &(struct guard_config){ .connections = 2 });
	v[0] = visit(f, "192.0.2.1", 0);
	v[1] = visit(f, "192.0.2.2", 0);
	v[2] = visit(f, "192.0.2.3", 421);
	other = visit(f, "192.0.3.1", 0);
	guard_leave(&v[0]);
	guard_leave(&v[2]);
	v[0] = visit(f, "192.0.2.4", 0);
	guard_leave(&v[0]);
	guard_leave(&v[1]);
	guard_leave(&other);
	reopen(f, &(struct guard_config){ .connections_per_minute = 3 });
	for (unsigned i = 0; i < 4; i++) {
		v[0] = visit(f, i % 2 ? "2001:db8:1:2::1" : "2001:db8:1:2::ffff", i < 3 ? 0 : 421);
		guard_leave(&v[0]);
	}
	v[0] = visit(f, "2001:db8:1:3::1", 0);
	guard_leave(&v[0]);
	clock_shift_ms(2 * MINUTE_MS);
	v[0] = visit(f, "2001:db8:1:2::1", 0);
	guard_leave(&v[0]);
}

static void test_rates(void **state)
{
	struct fixture *f = *state;
	const struct guard_config c = { .exempt = STR("127.0.0.0/8"), .messages_per_hour = 3, .recipients_per_hour = 4, .domain_messages_per_hour = 5, .user_messages_per_hour = 2,
									.user_messages_per_day = 3, .user_recipients_per_hour = 3 };

	reopen(f, &c);
	struct guard_visit *v = visit(f, "192.0.2.1", 0), *u = visit(f, "198.51.100.1", 0), *local = visit(f, "127.0.0.1", 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(mail(v, "a@x", ""), 0);
		message(v, "a@x", "");
	}
	assert_int_equal(mail(v, "a@x", ""), 450);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rcpt(v, "a@x", "b@y"), 0);
	assert_int_equal(rcpt(v, "a@x", "b@y"), 450);
	assert_int_equal(rcpt(v, "a@x", "postmaster@y"), 0);
	message(u, "a@X", "");
	message(u, "c@x", "");
	assert_int_equal(mail(u, "b@x", ""), 450);        /* of one domain, from two networks */
	assert_int_equal(mail(u, "b@sub.x", ""), 0);
	assert_int_equal(mail(u, "", ""), 0);
	/* users: a limit of their own, wherever they are */
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(mail(v, "a@x", "alice@x"), 0);
		message(i ? u : v, "a@x", "alice@x");
	}
	assert_int_equal(mail(u, "a@x", "alice@x"), 450);
	assert_int_equal(mail(local, "a@x", "alice@x"), 450);        /* an exempt network makes no exempt user */
	for (unsigned i = 0; i < 6; i++) {
		message(local, "a@y", "");
		assert_int_equal(mail(local, "a@y", ""), 0);
	}
	guard_leave(&local);
	assert_int_equal(mail(u, "a@x", "bob@x"), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rcpt_as(u, "a@x", "b@y", "bob@x").code, i < 3 ? 0 : 450);
	guard_leave(&v);
	guard_leave(&u);
	/* a restart forgives nothing */
	assert_int_equal(guard_tick(f->guard, clock_now()), 0);
	reopen(f, &c);
	v = visit(f, "192.0.2.1", 0);
	assert_int_equal(mail(v, "a@x", "alice@x"), 450);
	clock_shift_ms(2 * HOUR_MS);
	assert_int_equal(mail(v, "a@x", "alice@x"), 0);
	message(v, "a@x", "alice@x");
	assert_int_equal(mail(v, "a@x", "alice@x"), 450);        /* the day's limit */
	clock_shift_ms(2 * DAY_MS);
	assert_int_equal(mail(v, "a@x", "alice@x"), 0);
	guard_leave(&v);
}

/* Those who are let in at the same time do not pass a limit together. */
static void test_rates_at_once(void **state)
{
	struct fixture *f = *state;
	enum { N = 6 };
	struct guard_visit *v[N];

	reopen(f, &(struct guard_config){ .messages_per_hour = 4, .domain_messages_per_hour = 3, .user_messages_per_hour = 2, .user_messages_per_day = 3 });
	for (unsigned i = 0; i < N; i++) {
		v[i] = visit(f, "192.0.2.1", 0);
		assert_int_equal(mail(v[i], "a@x", "alice@x"), 0);
	}
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(message(v[i], "a@x", "alice@x"), i < 2 ? GUARD_PASS : GUARD_REFUSE);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(mail(v[i], "a@x", ""), 0);
	for (unsigned i = 0; i < N; i++)
		assert_int_equal(message(v[i], "a@x", ""), i < 3 ? GUARD_PASS : GUARD_REFUSE);
	/* what was refused for its domain took nothing from the network */
	assert_int_equal(message(v[0], "a@y", ""), GUARD_PASS);
	assert_int_equal(message(v[1], "a@y", ""), GUARD_REFUSE);
	for (unsigned i = 0; i < N; i++)
		guard_leave(&v[i]);
}

static void test_probe(void **state)
{
	struct fixture *f = *state;
	struct guard_verdict out;

	reopen(f, &(struct guard_config){ .unknown_slow = 5, .unknown_max = 20, .tarpit_ms = 2000 });
	struct guard_visit *v = visit(f, "192.0.2.1", 0), *honest = visit(f, "198.51.100.1", 0);
	for (unsigned i = 1; i < 20; i++) {
		guard_unknown_rcpt(v, &out);
		assert_int_equal(out.decision, GUARD_PASS);
		assert_int_equal(out.delay_ms, i < 5 ? 0 : 2000);
	}
	guard_unknown_rcpt(v, &out);
	assert_int_equal(out.code, 421);
	guard_leave(&v);
	v = visit(f, "192.0.2.77", 0);
	assert_int_equal(rcpt(v, "a@x", "b@y"), 421);            /* its network is known for it */
	assert_int_equal(rcpt(v, "a@x", "postmaster@y"), 0);
	guard_leave(&v);
	/* who knows our users may be wrong now and then */
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(rcpt(honest, "a@x", "b@y"), 0);
		guard_unknown_rcpt(honest, &out);
		assert_int_equal(out.decision, GUARD_PASS);
		assert_int_equal(out.delay_ms, 0);
	}
	guard_leave(&honest);
	clock_shift_ms(2 * HOUR_MS);
	v = visit(f, "192.0.2.1", 0);
	assert_int_equal(rcpt(v, "a@x", "b@y"), 0);
	guard_leave(&v);
}

static void test_bad_config(void **state)
{
	static const struct str lines[] = { STR_INIT("nonsense") };
	struct fixture *f = *state;
	struct err e = { 0 };

	assert_int_equal(guard_open(f->store, &f->dns, &(struct guard_config){ .dnsbl = lines, .n_dnsbl = 1 }, &f->guard, &e), ERR_CONFIG);
	assert_null(f->guard);
	assert_true(e.log[0] != '\0');
	reopen(f, &(struct guard_config){ .connections = 1 });
	assert_int_equal(guard_set_config(f->guard, &(struct guard_config){ .dnsbl = lines, .n_dnsbl = 1 }, &e), ERR_CONFIG);
	struct guard_visit *a = visit(f, "192.0.2.1", 0), *b = visit(f, "192.0.2.1", 421);       /* the former one stands */
	guard_leave(&a);
	guard_leave(&b);
}

#define THREADS 4
#define ROUNDS 300

static void *come_and_go(void *arg)
{
	struct fixture *f = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct net_addr a = addr_of(i % 2 ? "192.0.2.7" : "198.51.100.7");
		struct guard_visit *v;
		struct guard_verdict out;
		guard_connect(f->guard, &a, &v, &out);
		guard_helo(v, STR("pc"), &out);
		mail(v, "a@x", i % 3 ? "" : "alice@x");
		rcpt(v, "a@x", "b@y");
		guard_unknown_rcpt(v, &out);
		message(v, "a@x", i % 3 ? "" : "alice@x");
		guard_leave(&v);
	}
	return NULL;
}

static void test_threads(void **state)
{
	static const struct str lists[] = { STR_INIT("bad.example=5") };
	struct fixture *f = *state;
	const struct guard_config c = { .dnsbl = lists, .n_dnsbl = 1, .dnsbl_limit_ms = 100000, .greylist = true, .greylist_delay_ms = 1000,
									.greylist_window_ms = 10000, .greylist_life_ms = 100000, .connections = 100, .messages_per_hour = 100000,
									.user_messages_per_hour = 100000, .unknown_max = 1000000 };
	pthread_t threads[THREADS];

	reopen(f, &c);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, f), 0);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(guard_tick(f->guard, clock_now()), 0);
		assert_int_equal(guard_set_config(f->guard, &c, NULL), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	/* nobody is left in the crowd */
	assert_int_equal(guard_set_config(f->guard, &(struct guard_config){ .connections = 1 }, NULL), 0);
	struct guard_visit *v = visit(f, "192.0.2.7", 0);
	guard_leave(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_off, setup, teardown), cmocka_unit_test_setup_teardown(test_points, setup, teardown),
		cmocka_unit_test_setup_teardown(test_greylist, setup, teardown), cmocka_unit_test_setup_teardown(test_crowd, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rates, setup, teardown), cmocka_unit_test_setup_teardown(test_rates_at_once, setup, teardown), cmocka_unit_test_setup_teardown(test_probe, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_config, setup, teardown), cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
