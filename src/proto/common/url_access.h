/* May somebody use a URL that carries its own permission, and where does it lead? RFC 4467 3 and 6: for URLFETCH and BURL. Any thread; blocks for
 * the store only.
 *
 * The token of the mechanism INTERNAL is "01" (the algorithm: HMAC-SHA-256) and 64 hexadecimal digits: the HMAC of the URL as far as it is
 * authorised, by the mailbox access key of its user and mailbox (model.h). */
#ifndef PROTO_COMMON_URL_ACCESS_H
#define PROTO_COMMON_URL_ACCESS_H

#include "base/buf.h"
#include "codec/imap/url.h"
#include "model/model.h"
#include "proto/common/services.h"

#include <stdbool.h>

/* Who asks. */
struct url_asker {
	struct str user;                  /* canonical name of who has logged in */
	bool submits;                     /* it is our submission service, on behalf of that user */
	bool submits_for_all;             /* it is the user of a submission service elsewhere, which looks at its users itself (RFC 4467 3) */
};

struct url_access {
	struct account *holder;           /* of the mailbox; closed by url_access_close */
	uint32_t mailbox;
};

/* 0; ERR_DENIED for whatever is not permitted, expired or not there; or what looking can fail with. */
int url_access_open(struct services *s, struct arena *a, const struct imap_url *url, const struct url_asker *who, struct url_access *out);
void url_access_close(struct url_access *x);           /* also after a failed open */

/* Appends the token for a rump. 0 or what HMAC can fail with. */
int url_access_token(const uint8_t key[URL_KEY_SIZE], struct str rump, struct buf *out);
/* Is it the same user, as it stands in a URL? 0, ERR_DENIED, or what looking can fail with. */
int url_access_is_user(struct services *s, struct arena *a, struct str written, struct str canonical);

#endif
