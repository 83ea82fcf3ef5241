/* Whom an OAuth 2.0 access token is for. Checked either as a JWT (RFC 7519, RFC 9068) against the authority's key set (RFC 7517), or by asking the
 * authority (RFC 7662); which, says the configuration. Any thread; blocks while the authority answers. */
#ifndef PROTO_COMMON_OAUTH_H
#define PROTO_COMMON_OAUTH_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "proto/common/services.h"

struct oauth;
int oauth_create(struct oauth **out);
void oauth_destroy(struct oauth **o);                /* accepts NULL */

/* Is any way configured? */
bool oauth_is_offered(const struct mail_config *cfg);
/* 0 with the name of the user that the token names (its claim oauth_user_claim) in the arena; ERR_DENIED: no good token, with a word for the log in
 * e; temporary: the authority or its keys cannot be reached, or are not what they should be. now: unix seconds. */
int oauth_verify(struct oauth *o, const struct mail_config *cfg, struct arena *a, struct str token, int64_t now, struct str *user_out, struct err *e);

#endif
