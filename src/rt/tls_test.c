/* TLS over real sockets: STARTTLS, implicit TLS, SNI, tickets, old versions, half-open handshakes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rt/fault.h"
#include "rt/test_server.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TLS12 0x0303
#define TLS13 0x0304

struct fixture {
	struct test_server server;
	struct tls_identity identities[2];
	struct tls_options options;
};

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->identities[0] = test_identity("mail.example.org");
	f->identities[1] = test_identity("other.example.net *.wild.example.net 192.0.2.7");
	f->options = (struct tls_options){ .identities = f->identities, .n_identities = 2 };
	test_server_start(&f->server, NULL, &f->options);
	*state = f;
	return 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;
	test_server_stop(&f->server);
	test_identity_remove(&f->identities[0]);
	test_identity_remove(&f->identities[1]);
	free(f);
	return 0;
}

static struct client *secured(struct fixture *f, int version, const char *name, void *session)
{
	struct client *c = client_open(f->server.tls_port);
	assert_true(client_start_tls(c, version, name, session));
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

static void test_implicit(void **state)
{
	static const struct { int version; const char *starts; } cases[] = { { 0, "TLSv1.3 TLS_" }, { TLS12, "TLSv1.2 ECDHE-" }, { TLS13, "TLSv1.3 TLS_" } };
	for (size_t i = 0; i < 3; i++) {
		struct client *c = secured(*state, cases[i].version, NULL, NULL);
		client_send(c, "echo one\r\necho two\r\ntls\r\n");
		client_expect(c, "one");
		client_expect(c, "two");
		const char *line = client_line(c);
		assert_int_equal(strncmp(line, cases[i].starts, strlen(cases[i].starts)), 0);
		quit(&c);
	}
}

static void test_starttls(void **state)
{
	struct fixture *f = *state;
	struct client *c = client_open(f->server.port);
	client_expect(c, "hello");
	client_send(c, "echo plain\r\n");
	client_expect(c, "plain");
	client_send(c, "starttls\r\n");
	client_expect(c, "go");
	assert_true(client_start_tls(c, 0, "mail.example.org", NULL));
	client_expect(c, "secure");
	client_send(c, "starttls\r\n");
	client_expect(c, "no");
	quit(&c);
}

/* RFC 3207 4.2: what came with the STARTTLS line must not be taken as said under TLS. */
static void test_injection(void **state)
{
	struct fixture *f = *state;
	struct client *c = client_open(f->server.port);
	client_expect(c, "hello");
	client_send(c, "starttls\r\necho injected\r\necho par");
	client_expect(c, "go");
	assert_true(client_start_tls(c, 0, NULL, NULL));
	client_expect(c, "secure");
	client_send(c, "tial\r\necho after\r\n");
	client_expect(c, "what");        /* "tial" begins a line of its own */
	client_expect(c, "after");
	quit(&c);
}

static void test_server_name(void **state)
{
	static const struct { const char *ask; const char *get; } cases[] = {
		{ NULL, "mail.example.org" },
		{ "mail.example.org", "mail.example.org" },
		{ "OTHER.example.net", "other.example.net" },
		{ "a.wild.example.net", "other.example.net" },
		{ "a.b.wild.example.net", "mail.example.org" },        /* a wildcard is one label */
		{ "unknown.example.com", "mail.example.org" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[100] = "";
		struct client *c = secured(*state, 0, cases[i].ask, NULL);
		client_common_name(c, name, sizeof(name));
		assert_string_equal(name, cases[i].get);
		client_send(c, "tls\r\n");
		const char *line = client_line(c);
		assert_string_equal(strrchr(line, ' ') + 1, cases[i].ask ? cases[i].ask : "");
		quit(&c);
	}
}

/* Tickets hold over a reload of the certificate. */
static void test_resumption(void **state)
{
	struct fixture *f = *state;
	static const int versions[] = { TLS12, TLS13 };
	for (size_t i = 0; i < 2; i++) {
		struct client *c = secured(f, versions[i], NULL, NULL);
		client_send(c, "echo x\r\n");
		client_expect(c, "x");
		assert_false(client_resumed(c));
		void *session = client_session(c);
		quit(&c);
		struct tls_context *again;
		assert_int_equal(tls_context_create(&f->options, &again, NULL), 0);
		server_set_tls(f->server.server, again);
		tls_context_unref(&again);
		c = secured(f, versions[i], NULL, session);
		assert_true(client_resumed(c));
		quit(&c);
		client_session_free(session);
	}
}

/* What was found of a client's certificate goes with the session: so it ends with the authorities by which that was found. */
static void test_other_authorities(void **state)
{
	struct fixture *f = *state;
	static const int versions[] = { TLS12, TLS13 };
	for (size_t i = 0; i < 2; i++) {
		void *session = NULL;
		for (size_t reload = 0; reload < 4; reload++) {
			struct tls_options o = f->options;
			struct tls_context *t;
			o.client_ca = reload == 3 ? NULL : f->identities[reload == 2].cert_file;
			assert_int_equal(tls_context_create(&o, &t, NULL), 0);
			server_set_tls(f->server.server, t);
			tls_context_unref(&t);
			struct client *c = secured(f, versions[i], NULL, session);
			client_send(c, "echo x\r\n");
			client_expect(c, "x");
			assert_int_equal(client_resumed(c), reload == 1);
			if (session)
				client_session_free(session);
			session = client_session(c);
			quit(&c);
		}
		client_session_free(session);
	}
}

static void test_old_versions(void **state)
{
	struct fixture *f = *state;
	static const int versions[] = { 0x0301, 0x0302 };
	for (size_t i = 0; i < 2; i++) {
		struct client *c = client_open(f->server.tls_port);
		assert_false(client_start_tls(c, versions[i], NULL, NULL));
		client_close(&c);
	}
}

static void test_min_version(void **state)
{
	struct fixture *f = *state;
	struct tls_options strict = f->options;
	struct tls_context *context;
	struct err e;
	strict.min_version = "1.3";
	assert_int_equal(tls_context_create(&strict, &context, &e), 0);
	server_set_tls(f->server.server, context);
	tls_context_unref(&context);
	struct client *c = client_open(f->server.tls_port);
	assert_false(client_start_tls(c, TLS12, NULL, NULL));
	client_close(&c);
	strict.min_version = "1.1";
	assert_int_equal(tls_context_create(&strict, &context, &e), ERR_CONFIG);
	assert_int_equal(tls_context_create(&f->options, &context, &e), 0);
	server_set_tls(f->server.server, context);
	tls_context_unref(&context);
}

static void test_bindings(void **state)
{
	static const int versions[] = { TLS12, TLS13 };
	for (size_t i = 0; i < 2; i++) {
		struct client *c = secured(*state, versions[i], NULL, NULL);
		struct buf mine = BUF_INIT(0);
		client_bindings(c, &mine);
		buf_add_char(&mine, '\0');
		client_send(c, "bind\r\n");
		client_expect(c, mine.p);
		buf_fini(&mine);
		quit(&c);
	}
}

/* Some are still there, and no worker is with them. */
static void expect_no_work(struct test_server *t)
{
	struct server_stats stats;
	do {
		usleep(1000);
		server_stats(t->server, &stats);
	} while (stats.workers_busy > 0 && stats.conns > 0);
	assert_true(stats.conns > 0);
}

#define HALF_OPEN 30

/* One in two says nothing, the other half a client hello. */
static void open_halves(uint16_t port, struct client *c[HALF_OPEN])
{
	for (size_t i = 0; i < HALF_OPEN; i++) {
		c[i] = client_open(port);
		if (i % 2)
			client_send_bytes(c[i], "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
	}
}

/* Nobody waits for them; garbage is closed at once. */
static void test_half_open(void **state)
{
	struct fixture *f = *state;
	struct client *half[HALF_OPEN];
	open_halves(f->server.tls_port, half);
	struct client *garbage = client_open(f->server.tls_port);
	client_send(garbage, "EHLO there, no TLS spoken here\r\n");
	while (client_line(garbage))        /* an alert, perhaps */
		;
	expect_no_work(&f->server);
	client_close(&garbage);
	struct client *c = secured(f, 0, NULL, NULL);
	quit(&c);
	for (size_t i = 0; i < HALF_OPEN; i++)
		client_close(&half[i]);
}

static void test_handshake_timeout(void **state)
{
	struct fixture *f = *state;
	struct server_config config = { .handshake_timeout_ms = 1000 };
	struct client *half[HALF_OPEN];
	struct test_server t;
	test_server_start(&t, &config, &f->options);
	uint64_t begin = clock_mono_ms();
	open_halves(t.tls_port, half);
	for (size_t i = 0; i < HALF_OPEN; i++) {
		client_expect_end(half[i]);
		client_close(&half[i]);
	}
	assert_true(clock_mono_ms() - begin >= 1000);
	test_server_stop(&t);
}

static void test_large_output(void **state)
{
	static const char *const verbs[] = { "write", "large", "burst" };
	static const size_t sizes[] = { 1, 16384, 16385, 65537, 3000000 };
	static const int versions[] = { TLS12, TLS13 };
	for (size_t i = 0; i < 2; i++) {
		struct client *c = secured(*state, versions[i], NULL, NULL);
		for (size_t v = 0; v < 15; v++) {
			char line[64];
			snprintf(line, sizeof(line), "echo here\r\n%s %zu\r\necho there\r\n", verbs[v / 5], sizes[v % 5]);
			client_send(c, line);
			client_expect(c, "here");
			client_expect_run(c, sizes[v % 5], 'x');
			client_expect(c, "done");
			client_expect(c, "there");
		}
		quit(&c);
	}
}

/* The peer reads late: records that the socket did not take are finished from wherever the rest was moved to. */
static void test_slow_reader(void **state)
{
	struct fixture *f = *state;
	struct client *slow[6];
	for (size_t i = 0; i < 6; i++) {
		slow[i] = secured(f, i < 3 ? TLS12 : TLS13, NULL, NULL);
		client_send(slow[i], "write 100000\r\nlarge 9000000\r\nwrite 200000\r\necho end\r\n");
	}
	usleep(300000);
	struct client *c = secured(f, 0, NULL, NULL);
	quit(&c);
	for (size_t i = 0; i < 6; i++) {
		client_expect_run(slow[i], 100000, 'x');
		client_expect(slow[i], "done");
		client_expect_run(slow[i], 9000000, 'x');
		client_expect(slow[i], "done");
		client_expect_run(slow[i], 200000, 'x');
		client_expect(slow[i], "done");
		client_expect(slow[i], "end");
		quit(&slow[i]);
	}
}

/* The end of the last record waits inside the library when the buffer is full of those before it, and the socket is empty. */
static void test_input_inside_library(void **state)
{
	struct fixture *f = *state;
	struct client *c = secured(f, 0, NULL, NULL);
	char piece[10000] = "";
	for (int i = 0; i < 5; i++) {
		expect_no_work(&f->server);
		f->server.let_go = false;
		client_send(c, "hold\r\nany 70000\r\n");
		test_wait_busy(&f->server, 1);        /* the server has read just this, and is busy while all the rest comes */
		for (int k = 0; k < 7; k++)
			client_send_bytes(c, piece, sizeof(piece));
		test_let_go(&f->server);
		client_expect(c, "held");
		const char *line = client_line(c);
		assert_int_equal(strncmp(line ? line : "", "got 70000 ", 10), 0);
	}
	quit(&c);
}

/* More input than one read takes: nothing may be forgotten inside the library when the connection is parked. */
static void test_large_input(void **state)
{
	struct client *c = secured(*state, 0, NULL, NULL);
	struct buf all = BUF_INIT(0);
	for (int i = 0; i < 6000; i++)
		buf_printf(&all, "echo %06d-0123456789012345678901234567890123456789\r\n", i);
	client_send_bytes(c, all.p, all.n);
	for (int i = 0; i < 6000; i++) {
		char line[64];
		snprintf(line, sizeof(line), "%06d-0123456789012345678901234567890123456789", i);
		client_expect(c, line);
	}
	buf_fini(&all);
	quit(&c);
}

/* The PROXY header comes in the clear before TLS, and nothing of TLS is taken with it. */
static void test_behind_proxy(void **state)
{
	struct fixture *f = *state;
	struct client *c = client_open(f->server.tls_proxy_port);
	client_send(c, "PROXY TCP4 192.0.2.1 198.51.100.2 56324 993\r\n");
	assert_true(client_start_tls(c, 0, NULL, NULL));
	client_expect(c, "hello");
	client_send(c, "who\r\n");
	client_expect(c, "192.0.2.1 56324 198.51.100.2 993");
	quit(&c);
	c = client_open(f->server.tls_proxy_port);
	assert_false(client_start_tls(c, 0, NULL, NULL));
	client_close(&c);
}

/* The socket gives and takes single bytes now and then: no state may depend on whole ones. */
static void test_short_io(void **state)
{
	struct fixture *f = *state;
	fault_setup("rt.short_io=1/3");
	for (int i = 0; i < 3; i++) {
		struct client *c = client_open(f->server.port);
		client_expect(c, "hello");
		client_send(c, "starttls\r\n");
		client_expect(c, "go");
		assert_true(client_start_tls(c, i == 0 ? 0 : i == 1 ? TLS12 : TLS13, NULL, NULL));
		client_expect(c, "secure");
		client_send(c, "write 100000\r\nlarge 50000\r\nburst 20000\r\necho end\r\n");
		client_expect_run(c, 100000, 'x');
		client_expect(c, "done");
		client_expect_run(c, 50000, 'x');
		client_expect(c, "done");
		client_expect_run(c, 20000, 'x');
		client_expect(c, "done");
		client_expect(c, "end");
		quit(&c);
	}
	fault_setup(NULL);
}

static void test_no_certificate(void **state)
{
	struct fixture *f = *state;
	struct tls_context *again;
	server_set_tls(f->server.server, NULL);
	struct client *c = client_open(f->server.port);
	client_expect(c, "hello");
	client_send(c, "starttls\r\n");
	client_expect(c, "no");
	client_close(&c);
	assert_int_equal(tls_context_create(&f->options, &again, NULL), 0);
	server_set_tls(f->server.server, again);
	tls_context_unref(&again);
}

/* ---- the files ---- */

static void test_self_signed(void **state)
{
	struct fixture *f = *state;
	struct str name = STR("x.example.org"), bad = STR("a,DNS:b");
	struct stat st;
	struct err e;
	char print[96], path[200], key[200];
	assert_int_equal(tls_self_signed(&name, 1, 10, f->identities[0].cert_file, f->identities[0].key_file, &e), ERR_EXISTS);
	assert_int_equal(stat(f->identities[0].key_file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(tls_fingerprint(f->identities[0].cert_file, print, sizeof(print), &e), 0);
	assert_int_equal(strlen(print), 95);
	assert_int_equal(tls_fingerprint(f->identities[0].key_file, print, sizeof(print), &e), ERR_INVALID);
	assert_int_equal(tls_fingerprint(f->identities[0].cert_file, print, 50, &e), ERR_TOO_BIG);
	snprintf(path, sizeof(path), "%s.new", f->identities[0].cert_file);
	snprintf(key, sizeof(key), "%s.new", f->identities[0].key_file);
	assert_int_equal(tls_self_signed(&bad, 1, 10, path, key, &e), ERR_INVALID);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(key, F_OK), -1);
	/* What a kill may leave: half files beside the places, and a key alone. */
	char left[220];
	snprintf(left, sizeof(left), "%s.new", path);
	close(open(left, O_WRONLY | O_CREAT, 0600));
	close(open(key, O_WRONLY | O_CREAT, 0644));
	assert_int_equal(tls_self_signed(&name, 1, 10, path, key, &e), 0);
	assert_int_equal(access(left, F_OK), -1);
	assert_int_equal(stat(key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	struct tls_identity made = { path, key };
	struct tls_options o = { .identities = &made, .n_identities = 1 };
	struct tls_context *t;
	assert_int_equal(tls_context_create(&o, &t, &e), 0);
	assert_true(tls_context_expires(t) > clock_now() + 9 * 86400 && tls_context_expires(t) < clock_now() + 11 * 86400);
	tls_context_unref(&t);
	unlink(path);
	unlink(key);
}

static void test_bad_files(void **state)
{
	struct fixture *f = *state;
	struct tls_identity mixed = { f->identities[0].cert_file, f->identities[1].key_file };
	struct tls_identity missing = { "/nonexistent/cert.pem", "/nonexistent/key.pem" };
	struct tls_options o = { .identities = &mixed, .n_identities = 1 };
	struct tls_context *t;
	struct err e;
	assert_int_equal(tls_context_create(&o, &t, &e), ERR_CONFIG);
	assert_null(t);
	o.identities = &missing;
	assert_int_equal(tls_context_create(&o, &t, &e), ERR_CONFIG);
	assert_non_null(strstr(e.log, "/nonexistent/cert.pem"));
	o.n_identities = 0;
	assert_int_equal(tls_context_create(&o, &t, &e), ERR_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_implicit),     cmocka_unit_test(test_starttls),    cmocka_unit_test(test_injection),
		cmocka_unit_test(test_server_name),  cmocka_unit_test(test_resumption), cmocka_unit_test(test_other_authorities),  cmocka_unit_test(test_old_versions),
		cmocka_unit_test(test_min_version),  cmocka_unit_test(test_bindings),    cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_large_output), cmocka_unit_test(test_slow_reader), cmocka_unit_test(test_large_input),
		cmocka_unit_test(test_input_inside_library), cmocka_unit_test(test_handshake_timeout),
		cmocka_unit_test(test_behind_proxy), cmocka_unit_test(test_short_io),    cmocka_unit_test(test_no_certificate), cmocka_unit_test(test_self_signed), cmocka_unit_test(test_bad_files),
	};
	log_setup(LOG_TEXT, LOG_ERROR, 2);
	return cmocka_run_group_tests(tests, start, stop);
}
