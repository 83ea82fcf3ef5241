/* A directory with two users, and exchanges with a mechanism. For the tests of SASL; every call fails the test when it cannot. */
#ifndef PROTO_COMMON_SASL_FIXTURE_H
#define PROTO_COMMON_SASL_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "proto/common/conn_fake.h"
#include "proto/common/sasl.h"

struct world {
	struct store *store;
	struct directory *d;
	struct services *services;
	const struct mail_config *config;
	struct conn plain, tls, old_tls;
	struct arena arena;
};

void world_configure(struct world *w, bool allow_plain);
int world_setup(void **state);
int world_teardown(void **state);
#define TEST(fn) { #fn, fn, world_setup, world_teardown, NULL }

struct exchange {
	struct world *w;
	struct conn *c;
	struct sasl *x;
	struct buf reply;       /* decoded */
	int code;
};

/* In the world's arena. */
struct str to_base64(struct world *w, struct str s);
enum sasl_result exchange_start(struct exchange *e, const char *mechanism, struct str initial_base64);
enum sasl_result exchange_step(struct exchange *e, struct str message);        /* message: not in base64 yet */
void exchange_end(struct exchange *e);
void check_user(struct exchange *e, const char *name);
/* The mechanisms that are offered there, one space between them. */
void check_offer(struct world *w, struct conn *c, const char *want);

#endif
