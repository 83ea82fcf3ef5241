/* For tests: certificates of any kind, and a TLS server that shows one and echoes. What fails, fails the test. */
#ifndef RT_TLS_TEST_PEER_H
#define RT_TLS_TEST_PEER_H

#include "rt/dns.h"

#include <pthread.h>
#include <stdatomic.h>

struct test_cert;            /* with its key */
struct test_cert_spec {
	const char *names;           /* subject alternative names, "DNS:a.example,DNS:*.b.example"; NULL: none */
	const char *common;          /* NULL: "test" */
	const struct test_cert *issuer;        /* NULL: self-signed */
	bool authority;
	int from_days, to_days;      /* of today; 0 and 0: -1 to 30 */
	unsigned rsa_bits;           /* 0: EC P-256 */
};
struct test_cert *test_cert_create(const struct test_cert_spec *spec);
void test_cert_destroy(struct test_cert **c);
void test_cert_write(const struct test_cert *c, const char *path);
/* The TLSA record that matches it; the data lives in the arena. */
struct dns_record test_cert_tlsa(const struct test_cert *c, struct arena *a, unsigned usage, unsigned selector, unsigned matching);

struct test_peer {
	uint16_t port;
	int fd;
	void *ctx;
	pthread_t thread;
	_Atomic bool over;
	_Atomic unsigned shaken;     /* handshakes that the server saw succeed */
	char sni[256];               /* of the last one */
};
/* version: the highest, like 0x0303; 0: any. */
void test_peer_start(struct test_peer *p, const struct test_cert *leaf, const struct test_cert *chain, int version);
void test_peer_stop(struct test_peer *p);

#endif
