/* What the files of this room share; nobody else includes it. */
#ifndef PROTO_COMMON_INSIDE_H
#define PROTO_COMMON_INSIDE_H

#include "proto/common/sasl.h"
#include "proto/common/services.h"
#include "rt/crypto.h"

#include <stdbool.h>
#include <stdint.h>

struct oauth *services_oauth(struct services *s);
/* The services that a snapshot came from. */
struct services *services_of_config(const struct mail_config *c);

/* ---- mechanisms ---- */

/* One message of the client, decoded, not NULL; the server's goes to out. */
typedef enum sasl_result sasl_step_fn(struct sasl *x, struct str in, struct buf *out, int *code_out);
/* The first challenge of a mechanism where the server speaks first. */
typedef enum sasl_result sasl_begin_fn(struct sasl *x, struct buf *out, int *code_out);

struct sasl_mechanism {
	const char *name;
	bool shows_password;              /* only with TLS, or where configuration allows it */
	bool binds_channel;               /* only with TLS */
	bool sha1;                        /* of SCRAM: the hash is SHA-1 */
	bool needs_certificate;           /* only with a good one of the client that holds a mail address */
	bool needs_oauth;                 /* only when an authority is configured */
	bool xoauth2;
	bool needs_secret;                /* offered only when a user has one */
	bool takes_initial;               /* an initial response is right */
	sasl_begin_fn *begin;             /* NULL: the client speaks first */
	sasl_step_fn *step;
	const char *rfc;
};

struct sasl {
	struct conn *conn;
	struct services *services;
	const struct sasl_mechanism *mechanism;
	struct directory_login login;
	struct arena arena;
	struct directory_user user;       /* after SASL_DONE */
	struct str name;                  /* who it shall be, as far as the client has said */
	bool told;                        /* the audit trail has heard how it ended */
	struct {
		struct str authzid, client_first, server_first, nonce;
		struct str binding;               /* what c= must be */
	} scram;
	int refused;                      /* OAUTHBEARER: told so, with this code, and the client is to say that it has heard */
	struct str challenge;             /* CRAM-MD5 */
	bool asked;                       /* credentials were asked for: with this result */
	int credentials_code;
	struct directory_credentials credentials;
	bool proven;                      /* only the client's empty answer is missing */
};

sasl_step_fn sasl_step_oauth, sasl_step_external, sasl_step_plain, sasl_step_login, sasl_step_scram, sasl_step_cram_md5;
sasl_begin_fn sasl_begin_login, sasl_begin_cram_md5;

/* An authorisation identity: empty, or the proven user by another spelling. 0, ERR_DENIED, or temporary. */
int sasl_authorise(struct sasl *x, struct str authzid, const struct directory_user *user);
/* A proof that ended well or not: holds the authorisation identity, has the brake judge it, sets x->user and x->proven. 0, ERR_DENIED (also for
 * a good proof of a user who is not there), ERR_BUSY (good or not: others have come over the limit meanwhile), or temporary. */
int sasl_proven(struct sasl *x, struct str name, struct str authzid, bool ok);
bool sasl_can_bind_channel(struct conn *c);
bool sasl_has_certificate(struct conn *c);
/* Keeps the name that the client gave, for the audit trail. */
void sasl_keep_name(struct sasl *x, struct str name);
/* Result and code of a failure that has this code. */
enum sasl_result sasl_fail(int code, int *code_out);

static inline void wipe_str(struct str s)
{
	if (s.n)
		crypto_wipe((void *)(uintptr_t)s.p, s.n);
}

#endif
