#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/tls_test_peer.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#define PATIENCE_S 60

struct test_cert {
	X509 *cert;
	EVP_PKEY *key;
};

/* ---- certificates ---- */

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

struct test_cert *test_cert_create(const struct test_cert_spec *spec)
{
	struct test_cert *c = calloc(1, sizeof(*c));
	const char *common = spec->common ? spec->common : "test";
	bool dates = spec->from_days || spec->to_days;
	c->key = spec->rsa_bits ? EVP_RSA_gen(spec->rsa_bits) : EVP_EC_gen("P-256");
	c->cert = X509_new();
	X509 *issuer = spec->issuer ? spec->issuer->cert : c->cert;
	X509_NAME *subject = X509_get_subject_name(c->cert);
	X509_set_version(c->cert, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(c->cert), (uint64_t)(uintptr_t)c);
	X509_time_adj_ex(X509_getm_notBefore(c->cert), dates ? spec->from_days : -1, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(c->cert), dates ? spec->to_days : 30, 0, NULL);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)common, -1, -1, 0);
	X509_set_issuer_name(c->cert, X509_get_subject_name(issuer));
	X509_set_pubkey(c->cert, c->key);
	add_extension(c->cert, issuer, NID_basic_constraints, spec->authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (spec->names)
		add_extension(c->cert, issuer, NID_subject_alt_name, spec->names);
	assert_true(X509_sign(c->cert, spec->issuer ? spec->issuer->key : c->key, EVP_sha256()) > 0);
	return c;
}

void test_cert_destroy(struct test_cert **c)
{
	X509_free((*c)->cert);
	EVP_PKEY_free((*c)->key);
	free(*c);
	*c = NULL;
}

void test_cert_write(const struct test_cert *c, const char *path)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, c->cert), 1);
	assert_int_equal(fclose(f), 0);
}

struct dns_record test_cert_tlsa(const struct test_cert *c, struct arena *a, unsigned usage, unsigned selector, unsigned matching)
{
	struct dns_record r = { .tlsa = { .usage = (uint8_t)usage, .selector = (uint8_t)selector, .matching = (uint8_t)matching } };
	unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
	unsigned digest_size = 0;
	int n = selector == 0 ? i2d_X509(c->cert, &der) : i2d_PUBKEY(c->key, &der);
	assert_true(n > 0);
	if (matching > 0)
		EVP_Digest(der, (size_t)n, digest, &digest_size, matching == 1 ? EVP_sha256() : EVP_sha512(), NULL);
	r.tlsa.data = arena_dup(a, matching > 0 ? str_make(digest, digest_size) : str_make(der, (size_t)n));
	OPENSSL_free(der);
	return r;
}

/* ---- the server ---- */

static void echo(struct test_peer *p, int fd)
{
	char bytes[16384];
	SSL *ssl = SSL_new(p->ctx);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
		snprintf(p->sni, sizeof(p->sni), "%s", sni ? sni : "");
		atomic_fetch_add(&p->shaken, 1);
		for (int n; (n = SSL_read(ssl, bytes, sizeof(bytes))) > 0;)
			if (SSL_write(ssl, bytes, n) <= 0)
				break;
	}
	SSL_free(ssl);
}

static void *serve(void *arg)
{
	struct test_peer *p = arg;
	struct timeval patience = { .tv_sec = PATIENCE_S };
	sigset_t pipe_signal;
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);        /* this thread's, not the tested one's */
	while (!atomic_load(&p->over)) {
		struct pollfd in = { .fd = p->fd, .events = POLLIN };
		int fd = poll(&in, 1, 20) > 0 ? accept(p->fd, NULL, NULL) : -1;
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		echo(p, fd);
		close(fd);
	}
	return NULL;
}

void test_peer_start(struct test_peer *p, const struct test_cert *leaf, const struct test_cert *chain, int version)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);
	memset(p, 0, sizeof(*p));
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, 0);
	SSL_CTX_set_max_proto_version(ctx, version);
	assert_int_equal(SSL_CTX_use_certificate(ctx, leaf->cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, leaf->key), 1);
	if (chain)
		assert_int_equal(SSL_CTX_add1_chain_cert(ctx, chain->cert), 1);
	p->ctx = ctx;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(p->fd, 16), 0);
	assert_int_equal(getsockname(p->fd, (struct sockaddr *)&a, &n), 0);
	p->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&p->thread, NULL, serve, p), 0);
}

void test_peer_stop(struct test_peer *p)
{
	atomic_store(&p->over, true);
	pthread_join(p->thread, NULL);
	close(p->fd);
	SSL_CTX_free(p->ctx);
}
