/* The keys that mail is signed with: found for an author's domain, made, and replaced in time. The directory keeps them, mailauth knows what they
 * mean. */
#ifndef APP_SIGNING_H
#define APP_SIGNING_H

#include "directory/signing.h"
#include "mailauth/dkim.h"

/* ---- signing ---- */

/* Parsed keys, dropped when any key changes, in this process or another. Any thread. */
struct signing;
int signing_create(struct directory *d, struct signing **out);
void signing_destroy(struct signing **s);                /* accepts NULL */
/* The active keys of the domain, or of the nearest parent that has some; RSA first, as ARC wants. Lives as long as s. */
struct dkim_keyring signing_keyring(struct signing *s);

/* ---- making ---- */

enum signing_kinds { SIGNING_KIND_RSA = 1, SIGNING_KIND_ED25519 = 2, SIGNING_KIND_BOTH = 3 };
/* Makes keys (RSA: 2048 bits; takes a tenth of a second) in this state. selector: "" for a dated one, "r20261126" and "e20261126"; both kinds: it gets
 * "-rsa" and "-ed". ERR_EXISTS, ERR_NOT_FOUND (not our domain), ERR_INVALID. */
int signing_make(struct directory *d, struct str domain, unsigned kinds, struct str selector, enum signing_state state, int64_t now, struct err *e);
/* Appends what to publish for this key. */
int signing_record(const struct signing_key *k, struct buf *out);

/* ---- rotation ---- */

#define SIGNING_PUBLISH_DAYS 3                           /* from made to active: time to publish, and for old answers to die in caches */
#define SIGNING_RETIRED_DAYS 7                           /* from retired to deleted: as long as mail may be under way */
/* One step for each domain, to be taken every hour: a key that has signed for `days` gets a successor, pending; that becomes active once it is old
 * enough and DNS shows it, and the others of its algorithm retire; retired keys whose time is over are deleted. Says what it does in the log. days == 0:
 * nothing. One thread at a time. 0, or the last error; the rest of the domains was looked at all the same. */
int signing_rotate_due(struct directory *d, unsigned days, const struct dns_source *dns, int64_t now);

#endif
