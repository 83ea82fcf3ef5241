/* Lists of addresses in DNS (RFC 5782): what they say about a peer, as points. Lists of good addresses have negative ones. */
#ifndef GUARD_DNSBL_H
#define GUARD_DNSBL_H

#include "base/arena.h"
#include "base/err.h"
#include "guard/limits.h"
#include "rt/dns.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct dnsbl_code {
	uint8_t least[4], most[4];   /* an answer whose four octets lie between */
	int points;
};
struct dnsbl_zone {
	struct str name;
	struct dnsbl_code codes[DNSBL_CODES_MAX];
	unsigned n;
	/* how it does; clock_mono_ms */
	_Atomic uint64_t rest_until;         /* did not answer */
	_Atomic uint64_t test_at;            /* ask again whether it lists everybody */
	atomic_bool broken;                  /* it does, or did when last asked */
};

/* "zen.example 127.0.0.2=5 127.0.0.4-7=3 127.0.0.*=1", also 127.0.*.1=-2; a bare "ZONE=POINTS" is every code within 127.0.0.0/16. The first
 * code that fits counts for each answer. Points: -1000 to 1000. Strings in the arena. 0 or ERR_CONFIG. */
int dnsbl_parse(struct arena *a, struct str text, struct dnsbl_zone *out, struct err *e);
/* Points of one answer; 0 for what no code fits. Answers outside 127.0.0.0/8 and the errors at 127.255.255.0/24 never fit (RFC 5782 2.1). */
int dnsbl_points(const struct dnsbl_zone *z, const struct net_addr *answer);

struct dnsbl_verdict {
	int points;
	struct str zone;             /* that gave the most points; empty: none listed it */
	struct str text;             /* what that zone says of it: printable; may be empty */
	bool incomplete;             /* some could not be asked in time */
};
/* Asks the zones in order until stop_at points are reached (0: never) or limit_ms is over; the answers are cached by the resolver. A zone that
 * does not answer is left alone for a minute; one that lists 127.0.0.1 (RFC 5782 section 5: it lists everybody) counts for nothing. Blocks for
 * DNS. Strings in the arena. */
void dnsbl_ask(const struct dns_source *dns, struct arena *a, struct dnsbl_zone *zones, size_t n, const struct net_addr *peer, uint64_t limit_ms,
			   int stop_at, struct dnsbl_verdict *out);

#endif
