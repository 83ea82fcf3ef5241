/* The resolver against Knot DNS on loopback: signed and unsigned zones, answers altered on the way, servers that are silent. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "rt/dns.h"
#include "rt/test_knot.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#define SKIPPED 77        /* meson */
#define THREADS 200
#define X100 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X250 X100 X100 "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"

static const char signed_zone[] =
	"@ MX 20 mx2\n@ MX 10 mx\n"
	"mx A 192.0.2.1\nmx AAAA 2001:db8::1\n"
	"null MX 0 .\n"
	"long TXT \"" X250 "\" \"" X250 "\" \"" X250 "\"\n"
	"_25._tcp.mx TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"
	"_submissions._tcp SRV 0 5 465 mx\n"
	"one CNAME two\ntwo CNAME three\nthree A 192.0.2.3\n"
	"out CNAME www.plain.\n"
	"gone CNAME nowhere\n"
	"loop CNAME loop2\nloop2 CNAME loop\n"
	"*.wild A 192.0.2.9\n"
	"o\\039b\\043c.odd TXT odd\n"
	"evil MX 10 a\\032b\nevil MX 20 c\\.d.example.\n"
	"half MX 10 a\\010b\nhalf MX 20 mx\n"
	"altered A 192.0.2.66\n";
static const char plain_zone[] = "www A 192.0.2.80\n";

struct fixture {
	struct test_knot knot;
	struct dns *dns;
	char *big;
};

static struct dns *open_resolver(const char *servers, const char *anchors, uint64_t timeout_ms)
{
	struct dns_config c = { .servers = servers, .trust_anchor = anchors, .timeout_ms = timeout_ms };
	struct dns *d;
	struct err e = { 0 };
	int r = dns_open(&c, &d, &e);
	if (r < 0)
		fail_msg("%s", e.log);
	return d;
}

static struct dns_answer ask(struct dns *d, struct arena *a, const char *name, enum dns_type type)
{
	struct dns_source s = dns_source(d);
	struct dns_answer out;
	assert_int_equal(dns_query(&s, a, str_from_c(name), type, &out), 0);
	return out;
}

/* Many addresses under one name, and names for the threads. */
static char *big_zone(void)
{
	struct buf b = BUF_INIT(0);
	for (unsigned i = 0; i < DNS_RECORDS_MAX + 88; i++)
		buf_printf(&b, "many A 10.0.%u.%u\n", i / 256, i % 256);
	for (unsigned i = 0; i < THREADS; i++)
		buf_printf(&b, "host%u A 10.1.0.%u\n", i, i);
	buf_add_char(&b, '\0');
	char *text;
	size_t n;
	buf_take(&b, &text, &n);
	return text;
}

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->big = big_zone();
	struct test_zone zones[] = { { "example", signed_zone, true }, { "plain", plain_zone, false }, { "big", f->big, true } };
	test_knot_start(&f->knot, zones, 3);
	f->dns = open_resolver(f->knot.server, f->knot.anchors, 60000);
	*state = f;
	return 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;
	dns_close(&f->dns);
	test_knot_remove(&f->knot);
	free(f->big);
	free(f);
	return 0;
}

static void describe(enum dns_type type, const struct dns_answer *r, struct buf *out)
{
	char ip[NET_TEXT_MAX];
	for (size_t i = 0; i < r->n; i++) {
		const struct dns_record *x = &r->records[i];
		if (i > 0)
			buf_add_lit(out, " ");
		if (type == DNS_MX) {
			buf_printf(out, "%u:%.*s", x->mx.preference, STR_ARG(x->mx.host));
		} else if (type == DNS_SRV) {
			buf_printf(out, "%u:%u:%u:%.*s", x->srv.priority, x->srv.weight, x->srv.port, STR_ARG(x->srv.host));
		} else if (type == DNS_TLSA) {
			buf_printf(out, "%u:%u:%u:%zu", x->tlsa.usage, x->tlsa.selector, x->tlsa.matching, x->tlsa.data.n);
		} else if (type == DNS_TXT || type == DNS_CNAME) {
			buf_add_str(out, x->text);
		} else {
			net_addr_format(&x->addr, ip);
			buf_add_c(out, ip);
		}
	}
	buf_add_char(out, '\0');
}

static void test_answers(void **state)
{
	static const struct {
		const char *name;
		enum dns_type type;
		enum dns_status status;
		bool secure;
		const char *canonical, *records;
	} cases[] = {
		{ "mx.example", DNS_A, DNS_OK, true, "mx.example", "192.0.2.1" },
		{ "MX.Example", DNS_AAAA, DNS_OK, true, "MX.Example", "2001:db8::1" },
		{ "null.example", DNS_MX, DNS_OK, true, "null.example", "0:" },
		{ "long.example", DNS_TXT, DNS_OK, true, "long.example", X250 X250 X250 },
		{ "_25._tcp.mx.example", DNS_TLSA, DNS_OK, true, "_25._tcp.mx.example", "3:1:1:32" },
		{ "_submissions._tcp.example", DNS_SRV, DNS_OK, true, "_submissions._tcp.example", "0:5:465:mx.example" },
		{ "one.example", DNS_A, DNS_OK, true, "three.example", "192.0.2.3" },
		{ "one.example", DNS_MX, DNS_NODATA, true, "three.example", "" },
		{ "one.example", DNS_CNAME, DNS_OK, true, "one.example", "two.example" },
		{ "out.example", DNS_A, DNS_OK, false, "www.plain", "192.0.2.80" },
		{ "gone.example", DNS_A, DNS_NXDOMAIN, true, "nowhere.example", "" },
		{ "loop.example", DNS_A, DNS_TEMPORARY, false, NULL, "" },
		{ "x.y.wild.example", DNS_A, DNS_OK, true, "x.y.wild.example", "192.0.2.9" },
		{ "o'b+c.odd.example", DNS_TXT, DNS_OK, true, "o'b+c.odd.example", "odd" },
		{ "evil.example", DNS_MX, DNS_TEMPORARY, false, "evil.example", "" },        /* no name of them can be a host */
		{ "half.example", DNS_MX, DNS_OK, true, "half.example", "20:mx.example" },
		{ "none.example", DNS_A, DNS_NXDOMAIN, true, "none.example", "" },
		{ "mx.example", DNS_TXT, DNS_NODATA, true, "mx.example", "" },
		{ "_tcp.mx.example", DNS_A, DNS_NODATA, true, "_tcp.mx.example", "" },
		{ "www.plain", DNS_A, DNS_OK, false, "www.plain", "192.0.2.80" },
		{ "none.plain", DNS_A, DNS_NXDOMAIN, false, "none.plain", "" },
		{ "www.plain", DNS_TXT, DNS_NODATA, false, "www.plain", "" },
		{ "elsewhere", DNS_A, DNS_TEMPORARY, false, "elsewhere", "" },               /* REFUSED */
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct buf text = BUF_INIT(0);
		struct dns_answer r = ask(f->dns, &a, cases[i].name, cases[i].type);
		describe(cases[i].type, &r, &text);
		if (r.status != cases[i].status || r.secure != cases[i].secure || !str_eq(str_from_c(text.p), str_from_c(cases[i].records)) ||
		    (cases[i].canonical && !str_eq(r.canonical, str_from_c(cases[i].canonical))))
			fail_msg("%s %d: status %d secure %d canonical %.*s: %s (%s)", cases[i].name, cases[i].type, r.status, r.secure,
			         STR_ARG(r.canonical), text.p, r.why ? r.why : "");
		assert_int_equal(r.why != NULL, r.status >= DNS_TEMPORARY);
		for (size_t k = 0; k < r.n; k++)
			assert_in_range(r.records[k].ttl, 1, 300);
		buf_fini(&text);
		arena_fini(&a);
	}
}

static void test_several_records(void **state)
{
	struct fixture *f = *state;
	struct arena a = ARENA_INIT(0);
	struct dns_answer r = ask(f->dns, &a, "example", DNS_MX);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.records[0].mx.preference + r.records[1].mx.preference, 30);
	r = ask(f->dns, &a, "many.big", DNS_A);        /* too long for UDP */
	assert_int_equal(r.status, DNS_OK);
	assert_int_equal(r.n, DNS_RECORDS_MAX);
	arena_fini(&a);
}

static void test_bad_names(void **state)
{
	struct fixture *f = *state;
	struct dns_source s = dns_source(f->dns);
	static const char *const names[] = { "", ".", "a..b", ".a", "example." };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct dns_answer out;
		assert_int_equal(dns_query(&s, &a, str_from_c(names[i]), DNS_A, &out), ERR_INVALID);
		arena_fini(&a);
	}
}

/* No anchor: nothing is secure, nothing is bogus. */
static void test_without_validation(void **state)
{
	struct fixture *f = *state;
	struct arena a = ARENA_INIT(0);
	struct dns *d = open_resolver(f->knot.server, "", 60000);
	struct dns_answer r = ask(d, &a, "mx.example", DNS_A);
	assert_int_equal(r.status, DNS_OK);
	assert_false(r.secure);
	dns_close(&d);
	arena_fini(&a);
}

/* ---- a relay that alters answers, and a socket that never answers ---- */

struct relay {
	int fd, upstream;
	_Atomic bool over;
	pthread_t thread;
	char server[32];
};

static int udp_socket(char server[32])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	snprintf(server, 32, "127.0.0.1@%u", ntohs(a.sin_port));
	return fd;
}

/* The answer to just this question: one that came too late for the last question is left out. */
static ssize_t upstream_answer(struct relay *r, uint8_t *packet, size_t size)
{
	const uint8_t id[2] = { packet[0], packet[1] };
	struct pollfd p = { .fd = r->upstream, .events = POLLIN };
	ssize_t n = -1;
	for (int i = 0; i < 200 && !atomic_load(&r->over); i++) {
		if (poll(&p, 1, 50) > 0 && (n = recv(r->upstream, packet, size, 0)) > 2 && memcmp(packet, id, 2) == 0)
			return n;
	}
	return -1;
}

/* One question at a time; 192.0.2.66 becomes 192.0.2.67. */
static void *relay_run(void *arg)
{
	struct relay *r = arg;
	uint8_t packet[4096];
	while (!atomic_load(&r->over)) {
		struct sockaddr_in from;
		socklen_t from_size = sizeof(from);
		struct pollfd p = { .fd = r->fd, .events = POLLIN };
		if (poll(&p, 1, 50) <= 0)
			continue;
		ssize_t n = recvfrom(r->fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &from_size);
		if (n <= 2 || send(r->upstream, packet, (size_t)n, 0) < 0)
			continue;
		n = upstream_answer(r, packet, sizeof(packet));
		char *address = n > 0 ? memmem(packet, (size_t)n, "\xc0\x00\x02\x42", 4) : NULL;
		if (address)
			address[3]++;
		if (n > 0)
			sendto(r->fd, packet, (size_t)n, 0, (struct sockaddr *)&from, from_size);
	}
	return NULL;
}

static void test_altered(void **state)
{
	struct fixture *f = *state;
	struct arena a = ARENA_INIT(0);
	struct relay relay = { .fd = udp_socket(relay.server), .upstream = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	struct sockaddr_in knot = { .sin_family = AF_INET, .sin_port = htons(f->knot.port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct dns_stats stats;
	assert_int_equal(connect(relay.upstream, (struct sockaddr *)&knot, sizeof(knot)), 0);
	assert_int_equal(pthread_create(&relay.thread, NULL, relay_run, &relay), 0);

	struct dns *d = open_resolver(relay.server, f->knot.anchors, 60000);
	struct dns_answer r = ask(d, &a, "mx.example", DNS_A);
	assert_int_equal(r.status, DNS_OK);
	assert_true(r.secure);
	r = ask(d, &a, "altered.example", DNS_A);
	assert_int_equal(r.status, DNS_BOGUS);
	assert_false(r.secure);
	assert_int_equal(r.n, 0);
	assert_non_null(strstr(r.why, "altered.example"));
	dns_stats(d, &stats);
	assert_int_equal(stats.questions, 2);
	assert_int_equal(stats.bogus, 1);
	dns_close(&d);
	/* whoever does not validate gets what the relay says: the test does alter */
	d = open_resolver(relay.server, "", 60000);
	r = ask(d, &a, "altered.example", DNS_A);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.records[0].addr.b[15], 67);
	dns_close(&d);

	atomic_store(&relay.over, true);
	pthread_join(relay.thread, NULL);
	close(relay.fd);
	close(relay.upstream);
	arena_fini(&a);
}

static void test_silent_server(void **state)
{
	struct arena a = ARENA_INIT(0);
	struct dns_stats stats;
	char server[32];
	int fd = udp_socket(server);
	(void)state;
	struct dns *d = open_resolver(server, NULL, 200);
	for (unsigned i = 0; i < 3; i++) {
		struct dns_answer r = ask(d, &a, "mx.example", DNS_A);
		assert_int_equal(r.status, DNS_TEMPORARY);
		assert_string_equal(r.why, "timeout");
	}
	dns_stats(d, &stats);
	assert_int_equal(stats.timeouts, 3);
	assert_int_equal(stats.temporary, 3);
	dns_close(&d);        /* while the library still waits for the answers */
	close(fd);
	arena_fini(&a);
}

/* ---- many at once ---- */

struct asker {
	struct dns *dns;
	unsigned number;
	_Atomic unsigned *right;
	pthread_t thread;
};

static void *asker_run(void *arg)
{
	struct asker *me = arg;
	struct dns_source s = dns_source(me->dns);
	for (unsigned i = 0; i < 5; i++) {
		struct arena a = ARENA_INIT(0);
		struct dns_answer out;
		unsigned host = i < 4 ? me->number : (me->number + 7) % THREADS;
		struct str name = arena_printf(&a, "host%u.big", host);
		if (dns_query(&s, &a, name, DNS_A, &out) == 0 && out.status == DNS_OK && out.secure && out.n == 1 && out.records[0].addr.b[15] == host)
			atomic_fetch_add(me->right, 1);
		arena_fini(&a);
	}
	return NULL;
}

static unsigned ask_all(struct dns *d)
{
	static struct asker askers[THREADS];
	_Atomic unsigned right = 0;
	for (unsigned i = 0; i < THREADS; i++) {
		askers[i] = (struct asker){ .dns = d, .number = i, .right = &right };
		assert_int_equal(pthread_create(&askers[i].thread, NULL, asker_run, &askers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(askers[i].thread, NULL);
	return atomic_load(&right);
}

static void test_many_threads(void **state)
{
	struct fixture *f = *state;
	struct dns *d = open_resolver(f->knot.server, f->knot.anchors, 60000);
	struct dns_stats stats;
	assert_int_equal(ask_all(d), THREADS * 5);
	dns_stats(d, &stats);
	assert_int_equal(stats.questions, THREADS * 5);
	assert_int_equal(stats.temporary, 0);
	dns_close(&d);
	/* all give up while the answers come in: neither lost nor counted twice */
	d = open_resolver(f->knot.server, f->knot.anchors, 1);
	ask_all(d);
	dns_stats(d, &stats);
	assert_int_equal(stats.questions, THREADS * 5);
	dns_close(&d);
}

/* A mail server has thousands of connections; a library that waits by select(2) would go down with the 1024th. */
static void test_high_descriptors(void **state)
{
	enum { MANY = 1100 };
	static int taken[MANY];
	struct fixture *f = *state;
	struct arena a = ARENA_INIT(0);
	struct rlimit limit;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (unsigned i = 0; i < MANY; i++)
		taken[i] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	if (taken[MANY - 1] > 1024) {        /* else the limit does not allow for it */
		struct dns *d = open_resolver(f->knot.server, f->knot.anchors, 60000);
		assert_int_equal(ask(d, &a, "mx.example", DNS_A).status, DNS_OK);
		dns_close(&d);
	}
	for (unsigned i = 0; i < MANY; i++)
		close(taken[i]);
	arena_fini(&a);
}

/* Last: the server is gone afterwards. */
static void test_server_gone(void **state)
{
	struct fixture *f = *state;
	struct arena a = ARENA_INIT(0);
	assert_int_equal(ask(f->dns, &a, "mx.example", DNS_A).status, DNS_OK);
	test_knot_stop(&f->knot);
	assert_int_equal(ask(f->dns, &a, "mx.example", DNS_A).status, DNS_OK);        /* from the cache */
	struct dns_answer r = ask(f->dns, &a, "two.plain", DNS_A);
	assert_int_equal(r.status, DNS_TEMPORARY);
	assert_non_null(r.why);
	arena_fini(&a);
}

static void test_bad_config(void **state)
{
	static const struct { struct dns_config config; int result; } cases[] = {
		{ { .servers = "127.0.0.1", .trust_anchor = "/nonexistent/anchor" }, ERR_NOT_FOUND },
		{ { .servers = "127.0.0.1 nonsense", .trust_anchor = "" }, ERR_CONFIG },
		{ { .servers = "127.0.0.1", .trust_anchor = "/etc/passwd" }, ERR_CONFIG },
		{ { .stub_hints = "/nonexistent/hints", .trust_anchor = "" }, ERR_CONFIG },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };
		struct dns *d;
		assert_int_equal(dns_open(&cases[i].config, &d, &e), cases[i].result);
		assert_null(d);
		assert_true(e.log[0] != '\0');
		dns_close(&d);
	}
}

int main(void)
{
	const struct CMUnitTest alone[] = { cmocka_unit_test(test_silent_server), cmocka_unit_test(test_bad_config) };
	const struct CMUnitTest with_server[] = {
		cmocka_unit_test(test_answers), cmocka_unit_test(test_several_records), cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_without_validation), cmocka_unit_test(test_altered), cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_high_descriptors),
		cmocka_unit_test(test_server_gone),
	};
	int failed = cmocka_run_group_tests(alone, NULL, NULL);
	if (failed || !test_knot_installed())
		return failed ? failed : SKIPPED;
	return cmocka_run_group_tests(with_server, start, stop);
}
