/* The key set of an OAuth authority (RFC 7517): from a file or by https, read anew now and then and when a key is missing. For oauth.c, under its
 * lock. */
#ifndef PROTO_COMMON_OAUTH_KEYS_H
#define PROTO_COMMON_OAUTH_KEYS_H

#include "base/err.h"
#include "base/str.h"
#include "proto/common/services.h"

struct oauth_keys;
void oauth_keys_destroy(struct oauth_keys **k);      /* accepts NULL */
/* Has one of the keys signed this? *k is made and renewed as needed. kid may be NULL. 0, ERR_DENIED, or why there are no keys. */
int oauth_keys_check(struct oauth_keys **k, const struct mail_config *cfg, const char *alg, const char *kid, struct str message, struct str signature,
					 uint64_t now_ms, struct err *e);

#endif
