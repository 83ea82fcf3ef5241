/* The client side of TLS against real servers: RFC 6125 names, RFC 7672 3 (DANE), RFC 7435, the words of RFC 8460 4.3. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "rt/stream.h"
#include "rt/tls_test_peer.h"

#include <netinet/in.h>
#include <unistd.h>

#define TLS11 0x0302
#define TLS12 0x0303

/* The certificates that the cases speak of. */
enum who { ROOT, OTHER_ROOT, MIDDLE, GOOD, EXPIRED, NOT_YET, SELF, SELF_EXPIRED, COMMON_ONLY, WILD, PARTIAL, LEAF2, WEAK, WHO_COUNT, NONE };

struct fixture {
	struct test_cert *cert[WHO_COUNT];
	char ca_file[64];
};

static int make(void **state)
{
	static const struct { const char *names, *common; enum who issuer; int from, to; unsigned rsa; bool authority; } specs[WHO_COUNT] = {
		[ROOT] = { NULL, "root", ROOT, 0, 0, 0, true },
		[OTHER_ROOT] = { NULL, "other root", OTHER_ROOT, 0, 0, 0, true },
		[MIDDLE] = { NULL, "middle", ROOT, 0, 0, 0, true },
		[GOOD] = { "DNS:mx.example,DNS:mx2.example", NULL, ROOT, 0, 0, 0, false },
		[EXPIRED] = { "DNS:mx.example", NULL, ROOT, -30, -1, 0, false },
		[NOT_YET] = { "DNS:mx.example", NULL, ROOT, 2, 30, 0, false },
		[SELF] = { "DNS:mx.example", NULL, SELF, 0, 0, 0, false },
		[SELF_EXPIRED] = { "DNS:other.example", NULL, SELF_EXPIRED, -30, -1, 0, false },
		[COMMON_ONLY] = { NULL, "mx.example", ROOT, 0, 0, 0, false },
		[WILD] = { "DNS:*.mail.example", NULL, ROOT, 0, 0, 0, false },
		[PARTIAL] = { "DNS:m*.mail.example", NULL, ROOT, 0, 0, 0, false },
		[LEAF2] = { "DNS:mx.example", NULL, MIDDLE, 0, 0, 0, false },
		[WEAK] = { "DNS:mx.example", NULL, ROOT, 0, 0, 768, false },
	};
	struct fixture *f = calloc(1, sizeof(*f));
	for (unsigned i = 0; i < WHO_COUNT; i++) {
		struct test_cert_spec spec = { .names = specs[i].names, .common = specs[i].common, .authority = specs[i].authority,
			                       .issuer = specs[i].issuer == i ? NULL : f->cert[specs[i].issuer], .from_days = specs[i].from,
			                       .to_days = specs[i].to, .rsa_bits = specs[i].rsa };
		f->cert[i] = test_cert_create(&spec);
	}
	snprintf(f->ca_file, sizeof(f->ca_file), "/tmp/troika-tls-stream-%d.pem", (int)getpid());
	test_cert_write(f->cert[ROOT], f->ca_file);
	*state = f;
	return 0;
}

static int drop(void **state)
{
	struct fixture *f = *state;
	for (unsigned i = 0; i < WHO_COUNT; i++)
		test_cert_destroy(&f->cert[i]);
	unlink(f->ca_file);
	free(f);
	return 0;
}

static struct stream *connect_to(uint16_t port)
{
	struct stream_target t = { .peer.port = port };
	struct stream *s;
	struct err e = { 0 };
	assert_true(net_addr_parse(STR("127.0.0.1"), 0, &t.peer.addr));
	if (stream_connect(&t, &s, &e) < 0)
		fail_msg("%s", e.log);
	stream_set_timeout(s, 100000);
	return s;
}

static void expect_echo(struct stream *s, const char *text)
{
	struct str line;
	assert_int_equal(stream_printf(s, "%s\r\n", text), 0);
	assert_int_equal(stream_read_line(s, 100, &line), 0);
	assert_true(str_eq(line, str_from_c(text)));
}

/* One connection to a server that shows `leaf`; checks the result, and that a good one works. */
static void check(const struct test_cert *leaf, const struct test_cert *chain, int version, const struct tls_client_policy *policy, int code,
                  const char *failure, const char *case_name)
{
	struct test_peer peer;
	struct tls_client_result result;
	struct err e = { 0 };
	test_peer_start(&peer, leaf, chain, version);
	struct stream *s = connect_to(peer.port);
	int r = stream_start_tls(s, policy, &result, &e);
	if (r != code || result.ok != (code == 0) || !str_eq(str_from_c(result.failure), str_from_c(failure)))
		fail_msg("%s: %d, %s: %s", case_name, r, result.failure ? result.failure : "no failure", result.detail);
	assert_int_equal(stream_has_tls(s), code == 0);
	if (r == 0) {
		expect_echo(s, "hello");
		assert_true(str_starts(result.version, STR("TLSv1.")));
		assert_true(result.cipher.n > 0);
	} else {
		assert_true(result.detail[0] != '\0' && e.log[0] != '\0');
	}
	stream_close(&s);
	test_peer_stop(&peer);
	assert_true(r != 0 || str_eq(str_from_c(peer.sni), policy->sni));
}

static void test_pkix(void **state)
{
	static const struct { const char *what, *names[2]; enum who leaf; int code; const char *failure; } cases[] = {
		{ "right name", { "mx.example" }, GOOD, 0, NULL },
		{ "one of two names", { "no.example", "MX2.example" }, GOOD, 0, NULL },
		{ "wrong name", { "mx3.example" }, GOOD, ERR_DENIED, "certificate-host-mismatch" },
		{ "name above", { "example" }, GOOD, ERR_DENIED, "certificate-host-mismatch" },
		{ "expired", { "mx.example" }, EXPIRED, ERR_DENIED, "certificate-expired" },
		{ "not yet valid", { "mx.example" }, NOT_YET, ERR_DENIED, "certificate-expired" },
		{ "self-signed", { "mx.example" }, SELF, ERR_DENIED, "certificate-not-trusted" },
		{ "the chain is missing", { "mx.example" }, LEAF2, ERR_DENIED, "certificate-not-trusted" },
		{ "CN only", { "mx.example" }, COMMON_ONLY, ERR_DENIED, "certificate-host-mismatch" },
		{ "wildcard", { "mx.mail.example" }, WILD, 0, NULL },
		{ "wildcard for one label", { "a.mx.mail.example" }, WILD, ERR_DENIED, "certificate-host-mismatch" },
		{ "wildcard in a label", { "mx.mail.example" }, PARTIAL, ERR_DENIED, "certificate-host-mismatch" },
		{ "no name to check", { NULL }, GOOD, ERR_INVALID, "validation-failure" },
		{ "what is no name", { "mx..example" }, GOOD, ERR_INVALID, "validation-failure" },
		{ "a key of 768 bits", { "mx.example" }, WEAK, ERR_DENIED, "certificate-not-trusted" },
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str names[2] = { str_from_c(cases[i].names[0]), str_from_c(cases[i].names[1]) };
		struct tls_client_policy policy = { .trust = TLS_TRUST_PKIX, .sni = STR("mx.example"), .names = names, .ca_file = f->ca_file,
			                            .n_names = (names[0].n > 0) + (names[1].n > 0) };
		check(f->cert[cases[i].leaf], NULL, 0, &policy, cases[i].code, cases[i].failure, cases[i].what);
	}
}

static void test_pkix_chain_and_roots(void **state)
{
	struct fixture *f = *state;
	struct str name = STR("mx.example");
	struct tls_client_policy policy = { .trust = TLS_TRUST_PKIX, .names = &name, .n_names = 1, .ca_file = f->ca_file };
	check(f->cert[LEAF2], f->cert[MIDDLE], 0, &policy, 0, NULL, "chain");
	policy.ca_file = NULL;        /* the system does not know our root */
	check(f->cert[GOOD], NULL, 0, &policy, ERR_DENIED, "certificate-not-trusted", "system roots");
	policy.ca_file = "/nonexistent/ca.pem";
	check(f->cert[GOOD], NULL, 0, &policy, ERR_CONFIG, "validation-failure", "no such file");
}

/* RFC 7435: whatever the certificate, but never below TLS 1.2 (RFC 8996). */
static void test_opportunistic(void **state)
{
	static const enum who leaves[] = { GOOD, EXPIRED, SELF, SELF_EXPIRED, WEAK };
	struct fixture *f = *state;
	struct tls_client_policy policy = { .trust = TLS_TRUST_ANY };
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++)
		check(f->cert[leaves[i]], NULL, 0, &policy, 0, NULL, "opportunistic");
	check(f->cert[GOOD], NULL, TLS12, &policy, 0, NULL, "TLS 1.2");
	check(f->cert[GOOD], NULL, TLS11, &policy, ERR_INVALID, "validation-failure", "TLS 1.1");
	policy.sni = STR("mx.example");
	check(f->cert[GOOD], NULL, TLS12, &policy, 0, NULL, "server name");
}

static void test_dane(void **state)
{
	static const struct {
		const char *what;
		enum who leaf, chain, tlsa;
		unsigned usage, selector, matching;
		const char *name;
		int code;
		const char *failure;
	} cases[] = {
		{ "3 1 1", GOOD, NONE, GOOD, 3, 1, 1, "mx.example", 0, NULL },
		{ "3 1 2", GOOD, NONE, GOOD, 3, 1, 2, "mx.example", 0, NULL },
		{ "3 1 0", GOOD, NONE, GOOD, 3, 1, 0, "mx.example", 0, NULL },
		{ "3 0 1", GOOD, NONE, GOOD, 3, 0, 1, "mx.example", 0, NULL },
		{ "3 0 0", GOOD, NONE, GOOD, 3, 0, 0, "mx.example", 0, NULL },
		/* 3.1.1: neither name nor date */
		{ "3 1 1, self-signed, expired, wrong name", SELF_EXPIRED, NONE, SELF_EXPIRED, 3, 1, 1, "mx.example", 0, NULL },
		{ "3 1 1 of another", GOOD, NONE, SELF, 3, 1, 1, "mx.example", ERR_DENIED, "certificate-not-trusted" },
		{ "3 1 1 of the issuer", GOOD, ROOT, ROOT, 3, 1, 1, "mx.example", ERR_DENIED, "certificate-not-trusted" },
		/* 3.1.2 and 3.2.3: the chain with the trust anchor, and a name */
		{ "2 0 1", GOOD, ROOT, ROOT, 2, 0, 1, "mx.example", 0, NULL },
		{ "2 1 1", GOOD, ROOT, ROOT, 2, 1, 1, "mx2.example", 0, NULL },
		{ "2 0 0, anchor not sent", GOOD, NONE, ROOT, 2, 0, 0, "mx.example", 0, NULL },
		{ "2 1 1 of the middle", LEAF2, MIDDLE, MIDDLE, 2, 1, 1, "mx.example", 0, NULL },
		{ "2 1 1, wrong name", GOOD, ROOT, ROOT, 2, 1, 1, "mx3.example", ERR_DENIED, "certificate-host-mismatch" },
		{ "2 1 1, expired", EXPIRED, ROOT, ROOT, 2, 1, 1, "mx.example", ERR_DENIED, "certificate-expired" },
		{ "2 1 1, other root", GOOD, ROOT, OTHER_ROOT, 2, 1, 1, "mx.example", ERR_DENIED, "certificate-not-trusted" },
		{ "2 0 1, anchor not sent", GOOD, NONE, ROOT, 2, 0, 1, "mx.example", ERR_DENIED, "certificate-not-trusted" },
		{ "2 1 1, name in the CN", COMMON_ONLY, ROOT, ROOT, 2, 1, 1, "mx.example", 0, NULL },
		/* 3.1.3: PKIX-TA and PKIX-EE are unusable; so is what nobody knows */
		{ "1 1 1", GOOD, ROOT, GOOD, 1, 1, 1, "mx.example", ERR_DENIED, "tlsa-invalid" },
		{ "0 1 1", GOOD, ROOT, ROOT, 0, 1, 1, "mx.example", ERR_DENIED, "tlsa-invalid" },
		{ "4 1 1", GOOD, ROOT, GOOD, 4, 1, 1, "mx.example", ERR_DENIED, "tlsa-invalid" },
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct str name = str_from_c(cases[i].name);
		struct dns_record tlsa = test_cert_tlsa(f->cert[cases[i].tlsa], &a, cases[i].usage, cases[i].selector, cases[i].matching);
		struct tls_client_policy policy = { .trust = TLS_TRUST_DANE, .sni = STR("mx.example"), .names = &name, .n_names = 1, .tlsa = &tlsa,
			                            .n_tlsa = 1 };
		check(f->cert[cases[i].leaf], cases[i].chain == NONE ? NULL : f->cert[cases[i].chain], 0, &policy, cases[i].code, cases[i].failure,
		      cases[i].what);
		arena_fini(&a);
	}
}

/* One of several records is enough, and unusable ones beside it do no harm. */
static void test_dane_several(void **state)
{
	struct fixture *f = *state;
	struct arena a = ARENA_INIT(0);
	struct str name = STR("mx.example");
	struct dns_record tlsa[] = {
		test_cert_tlsa(f->cert[OTHER_ROOT], &a, 1, 1, 1), test_cert_tlsa(f->cert[SELF], &a, 3, 1, 1), test_cert_tlsa(f->cert[GOOD], &a, 3, 1, 1),
		{ .tlsa = { .usage = 3, .selector = 1, .matching = 1, .data = STR("too short") } },
		{ .tlsa = { .usage = 3, .selector = 0, .matching = 0, .data = STR("no certificate") } },
	};
	struct tls_client_policy policy = { .trust = TLS_TRUST_DANE, .names = &name, .n_names = 1, .tlsa = tlsa, .n_tlsa = 5, .sni = name };
	check(f->cert[GOOD], NULL, 0, &policy, 0, NULL, "several");
	policy.tlsa = &tlsa[3], policy.n_tlsa = 2;
	check(f->cert[GOOD], NULL, 0, &policy, ERR_DENIED, "tlsa-invalid", "none usable");
	policy.n_tlsa = 0;
	check(f->cert[GOOD], NULL, 0, &policy, ERR_DENIED, "tlsa-invalid", "none");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(stream_tlsa_usable(&tlsa[i]), i == 1 || i == 2);
	arena_fini(&a);
}

/* The echo sends back while we still write. */
static void test_megabytes(void **state)
{
	enum { SIZE = 1 << 20 };
	struct fixture *f = *state;
	struct tls_client_policy policy = { .trust = TLS_TRUST_ANY };
	struct tls_client_result result;
	struct test_peer peer;
	char *sent = malloc(SIZE), *got = malloc(SIZE);
	for (size_t i = 0; i < SIZE; i++)
		sent[i] = (char)(i * 7 + i / 251);
	test_peer_start(&peer, f->cert[GOOD], NULL, 0);
	struct stream *s = connect_to(peer.port);
	assert_int_equal(stream_start_tls(s, &policy, &result, NULL), 0);
	assert_int_equal(stream_write(s, sent, SIZE), 0);
	assert_int_equal(stream_read_exact(s, got, SIZE), 0);
	assert_memory_equal(sent, got, SIZE);
	assert_false(stream_readable(s));
	assert_int_equal(stream_bytes_in(s), SIZE);
	assert_int_equal(stream_bytes_out(s), SIZE);
	stream_close(&s);
	test_peer_stop(&peer);
	free(sent);
	free(got);
}

/* ---- servers that do not shake hands ---- */

static int listen_raw(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

enum act { SILENT, CLOSES, GARBAGE, EARLY };
struct raw_peer {
	int fd;
	enum act act;
};

/* Waits for the hello first: what comes before it is another case. */
static void *raw_run(void *arg)
{
	const struct raw_peer *p = arg;
	char hello[4096];
	if (recv(p->fd, hello, sizeof(hello), 0) > 0 && p->act == GARBAGE)
		send(p->fd, "500 what?\r\n", 11, MSG_NOSIGNAL);
	if (p->act == CLOSES)
		shutdown(p->fd, SHUT_WR);
	return NULL;
}

static void test_no_handshake(void **state)
{
	static const struct { enum act act; int code; } cases[] = {
		{ SILENT, ERR_TIMEOUT }, { CLOSES, ERR_CLOSED }, { GARBAGE, ERR_INVALID }, { EARLY, ERR_INVALID },
	};
	struct tls_client_policy policy = { .trust = TLS_TRUST_ANY };
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tls_client_result result;
		struct str line;
		uint16_t port;
		pthread_t thread;
		int listener = listen_raw(&port);
		struct stream *s = connect_to(port);
		struct raw_peer peer = { .fd = accept(listener, NULL, NULL), .act = cases[i].act };
		const char *go = peer.act == EARLY ? "220 go\r\n250 injected\r\n" : "220 go\r\n";
		assert_int_equal(send(peer.fd, go, strlen(go), 0), strlen(go));
		assert_int_equal(stream_read_line(s, 100, &line), 0);
		assert_int_equal(stream_has_pending(s), peer.act == EARLY);
		assert_int_equal(pthread_create(&thread, NULL, raw_run, &peer), 0);
		stream_set_timeout(s, peer.act == SILENT ? 50 : 100000);
		assert_int_equal(stream_start_tls(s, &policy, &result, NULL), cases[i].code);
		assert_false(result.ok);
		assert_string_equal(result.failure, "validation-failure");
		assert_true(result.detail[0] != '\0');
		stream_close(&s);
		pthread_join(thread, NULL);
		close(peer.fd);
		close(listener);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pkix), cmocka_unit_test(test_pkix_chain_and_roots), cmocka_unit_test(test_opportunistic),
		cmocka_unit_test(test_dane), cmocka_unit_test(test_dane_several), cmocka_unit_test(test_megabytes),
		cmocka_unit_test(test_no_handshake),
	};
	return cmocka_run_group_tests(tests, make, drop);
}
