/* For the tests of signatures: keys in a zone, and fields that are signed whatever they say. */
#ifndef MAILAUTH_DKIM_FIXTURE_H
#define MAILAUTH_DKIM_FIXTURE_H

#include "mailauth/dkim.h"
#include "rt/dns_zone.h"

#define FIXTURE_NOW 1700000000

struct dkim_fixture {
	struct arena arena;
	struct dkim_key *rsa, *ed25519;
	struct dns_zone *zone;          /* rsa._domainkey.example.org, ed._domainkey.example.org */
	struct dns_source dns;
};
int dkim_fixture_setup(void **state);
int dkim_fixture_teardown(void **state);

/* The message with a DKIM-Signature in front that has these tags; "bh=@" and "b=@" are filled in with what is right for them, as long as the field
 * can be read at all. In the arena. */
struct str dkim_fixture_sign(struct dkim_fixture *f, const struct dkim_key *key, const char *tags, struct str message);
/* "v=DKIM1; ..." of a key, with these tags in place of "v=DKIM1;". */
const char *dkim_fixture_record(struct dkim_fixture *f, const struct dkim_key *key, const char *tags);

#endif
