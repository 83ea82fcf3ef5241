/* For tests: Knot DNS on a port of loopback, serving zones of the test's choice, signed when wanted. */
#ifndef RT_TEST_KNOT_H
#define RT_TEST_KNOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct test_zone {
	const char *name;            /* "example" */
	const char *text;            /* zone file, relative to name; SOA and NS are added */
	bool sign;                   /* ECDSA P-256, by the server */
};
struct test_knot {
	pid_t pid;
	uint16_t port;
	char dir[64];
	char server[32];             /* "127.0.0.1@port" for dns_config */
	char anchors[96];            /* file with the DNSKEYs of the signed zones */
};

bool test_knot_installed(void);
/* Waits until it answers; fails the test when it does not. */
void test_knot_start(struct test_knot *k, const struct test_zone *zones, unsigned n);
void test_knot_stop(struct test_knot *k);
void test_knot_remove(struct test_knot *k);      /* stopped or not: its files too */

#endif
