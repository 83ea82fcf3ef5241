/* The table of routes: what each transport means, which entry is found, and what cannot be said. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbound/route.h"

#include <unistd.h>

static void test_transports(void **state)
{
	(void)state;
	static const struct { const char *text; enum route_kind kind; uint16_t port; bool mx; const char *host, *path; } cases[] = {
		{ "* smtp", ROUTE_SMTP, 25, true, "", NULL },
		{ "example.org smtp:Example.NET", ROUTE_SMTP, 25, true, "example.net", NULL },
		{ "example.org smtp:example.net:2525", ROUTE_SMTP, 2525, true, "example.net", NULL },
		{ "example.org smtp:[relay.example.net]:587", ROUTE_SMTP, 587, false, "relay.example.net", NULL },
		{ "example.org smtp:[192.0.2.1]", ROUTE_SMTP, 25, false, "192.0.2.1", NULL },
		{ "example.org smtp:[2001:db8::1]:26", ROUTE_SMTP, 26, false, "2001:db8::1", NULL },
		{ "  * \t smtp   port=2525 ", ROUTE_SMTP, 2525, true, "", NULL },
		{ "example.org lmtp:[127.0.0.1]:24", ROUTE_LMTP, 24, false, "127.0.0.1", NULL },
		{ "example.org lmtp:/run/lmtp", ROUTE_LMTP, 24, false, "", "/run/lmtp" },
		{ "example.org maildir:/var/drop", ROUTE_MAILDIR, 0, false, "", "/var/drop" },
		{ "example.org mbox:/var/drop.mbox", ROUTE_MBOX, 0, false, "", "/var/drop.mbox" },
		{ "example.org discard", ROUTE_DISCARD, 0, false, "", NULL },
		{ "b\303\274cher.example smtp:[b\303\274cher.example]", ROUTE_SMTP, 25, false, "xn--bcher-kva.example", NULL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena a = ARENA_INIT(0);
		struct route r;
		struct err e = { 0 };
		if (route_parse(str_from_c(cases[i].text), &a, &r, &e))
			fail_msg("%s: %s", cases[i].text, e.log);
		assert_int_equal(r.kind, cases[i].kind);
		assert_true(str_eq(r.host, str_from_c(cases[i].host)));
		assert_int_equal(r.mx, cases[i].mx);
		assert_int_equal(r.port, cases[i].port);
		assert_int_equal(!r.path, !cases[i].path);
		if (r.path)
			assert_string_equal(r.path, cases[i].path);
		arena_fini(&a);
	}
}

static void test_options(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct route r;

	assert_int_equal(route_parse(STR("example.org smtp:[a.example]:587 tls=verify user=\"ann lee\" password=\"a \\\"b\\\\\" source=192.0.2.1,2001:db8::1 "
		"helo=Out.Example concurrency=3 rate=60 chunking=no ca=/etc/ca.pem warmup=2026-11-01/1:200,3:1000"), &a, &r, NULL), 0);
	assert_int_equal(r.tls, ROUTE_TLS_VERIFY);
	assert_true(str_eq(r.user, STR("ann lee")));
	assert_true(str_eq(r.password, STR("a \"b\\")));
	assert_int_equal(r.n_sources, 2);
	assert_false(net_addr_is_v4(&r.sources[1]));
	assert_true(str_eq(r.helo, STR("out.example")));
	assert_int_equal(r.concurrency, 3);
	assert_int_equal(r.per_minute, 60);
	assert_true(r.no_chunking);
	assert_string_equal(r.ca_file, "/etc/ca.pem");
	assert_int_equal(r.warmup->n, 2);
	assert_int_equal(route_parse(STR("example.org error:5.1.2 No mail = for this domain"), &a, &r, NULL), 0);
	assert_true(str_eq(r.status, STR("5.1.2")));
	assert_true(str_eq(r.text, STR("No mail = for this domain")));
	arena_fini(&a);
}

static void test_bad(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"", " ", "example.org", "example.org uucp:x", "exa mple", "a..b smtp", "example.org smtp:", "example.org smtp:[]", "example.org smtp:[a.example",
		"example.org smtp:[a.example]587", "example.org smtp:[a.example]:0", "example.org smtp:[a.example]:65536", "example.org smtp:a.example:x",
		"example.org lmtp", "example.org lmtp:a.example", "example.org lmtp:relative/path", "example.org maildir:relative", "example.org mbox",
		"example.org discard:x", "example.org error:2.0.0 x", "example.org error:x", "example.org smtp tls=maybe", "example.org smtp tls",
		"example.org smtp tls=", "example.org smtp user=ann", "example.org smtp password=x", "example.org smtp source=x", "example.org smtp colour=red",
		"example.org smtp concurrency=0", "example.org smtp rate=-1", "example.org smtp chunking=1", "example.org smtp password-file=x user=ann",
		"example.org smtp source=192.0.2.1 warmup=2026-11-01", "example.org smtp source=192.0.2.1 warmup=2026-13-01/1:2",
		"example.org smtp source=192.0.2.1 warmup=2026-11-01/2:1,2:3", "example.org smtp source=192.0.2.1 warmup=2026-11-01/0:1",
		"example.org smtp warmup=2026-11-01/1:2", "example.org maildir:/x tls=may", "example.org discard source=192.0.2.1",
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena a = ARENA_INIT(0);
		struct route r;
		struct err e = { 0 };
		if (route_parse(str_from_c(cases[i]), &a, &r, &e) != ERR_CONFIG || !e.log[0])
			fail_msg("'%s' is taken", cases[i]);
		arena_fini(&a);
	}
	char text[ROUTE_TEXT_MAX + 2];
	memset(text, ' ', sizeof text);
	memcpy(text, "* smtp", 6);
	struct arena a = ARENA_INIT(0);
	struct route r;
	assert_int_equal(route_parse(str_make(text, sizeof text), &a, &r, NULL), ERR_CONFIG);
	arena_fini(&a);
}

static void test_find(void **state)
{
	(void)state;
	static const struct str texts[] = {
		STR_INIT("example.org smtp:[exact.example]"), STR_INIT(".example.org smtp:[below.example]"), STR_INIT(".deep.example.org smtp:[deeper.example]"),
		STR_INIT(".test discard"), STR_INIT("[192.0.2.7] smtp:[literal.example]"), STR_INIT("* smtp:[all.example]"),
	};
	static const struct { const char *destination, *transport; } cases[] = {
		{ "example.org", "smtp:[exact.example]" }, { "a.example.org", "smtp:[below.example]" }, { "a.b.example.org", "smtp:[below.example]" },
		{ "deep.example.org", "smtp:[below.example]" }, { "a.deep.example.org", "smtp:[deeper.example]" }, { "xexample.org", "smtp:[all.example]" },
		{ "a.test", "discard" }, { "test", "smtp:[all.example]" }, { "[192.0.2.7]", "smtp:[literal.example]" }, { "[192.0.2.8]", "smtp:[all.example]" },
		{ "org", "smtp:[all.example]" }, { "", "smtp:[all.example]" },
	};
	struct arena a = ARENA_INIT(0);
	struct routes *t;

	assert_int_equal(routes_create(texts, sizeof texts / sizeof *texts, &a, &t, NULL), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (!str_eq(routes_find(t, str_from_c(cases[i].destination))->transport, str_from_c(cases[i].transport)))
			fail_msg("%s", cases[i].destination);
	routes_destroy(&t);
	assert_int_equal(routes_create(texts, 3, &a, &t, NULL), 0);
	assert_true(routes_find(t, STR("elsewhere.example"))->mx);
	assert_int_equal(routes_find(t, STR("elsewhere.example"))->port, 25);
	routes_destroy(&t);
	const struct str twice[] = { STR_INIT("a.example discard"), STR_INIT("A.example smtp") };
	struct err e = { 0 };
	assert_int_equal(routes_create(twice, 2, &a, &t, &e), ERR_CONFIG);
	assert_null(t);
	arena_fini(&a);
}

static void test_password_file(void **state)
{
	(void)state;
	char path[] = "/tmp/troika-route-XXXXXX", text[128];
	int fd = mkstemp(path);
	struct arena a = ARENA_INIT(0);
	struct routes *t;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "secret word\nmore\n", 17), 17);
	close(fd);
	snprintf(text, sizeof text, "* smtp user=ann password-file=%s", path);
	const struct str one[] = { str_from_c(text) }, missing[] = { STR_INIT("* smtp user=ann password-file=/nonexistent/x") };
	assert_int_equal(routes_create(one, 1, &a, &t, NULL), 0);
	assert_true(str_eq(routes_find(t, STR("a"))->password, STR("secret word")));
	routes_destroy(&t);
	assert_int_equal(routes_create(missing, 1, &a, &t, NULL), ERR_CONFIG);
	unlink(path);
	arena_fini(&a);
}

static void test_warmup(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct route r;

	assert_int_equal(route_parse(STR("* smtp source=192.0.2.1 warmup=1970-01-11/1:200,3:1000,10:5000"), &a, &r, NULL), 0);
	static const struct { int64_t day; uint32_t messages; } cases[] = { { 9, 0 }, { 10, 200 }, { 11, 200 }, { 12, 1000 }, { 18, 1000 }, { 19, 5000 }, { 900, 5000 } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(warmup_allowance(r.warmup, cases[i].day), cases[i].messages);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transports), cmocka_unit_test(test_options), cmocka_unit_test(test_bad),
		cmocka_unit_test(test_find), cmocka_unit_test(test_password_file), cmocka_unit_test(test_warmup),
	};
	return cmocka_run_group_tests_name("outbound/route", tests, NULL, NULL);
}
