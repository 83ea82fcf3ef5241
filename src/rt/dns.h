/* DNS questions as values: what SPF, DKIM, routing and policy ask. The resolver (libunbound, validating, caching) stands
 * behind a dns_source, so that a check can be given a zone of its own in a test. Threads: any; a question blocks the
 * thread that asks, for at most the source's time limit. Names are without the final dot, in A-label form. */
#ifndef RT_DNS_H
#define RT_DNS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "rt/net.h"

#include <stdbool.h>
#include <stdint.h>

enum dns_type {
	DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_SOA = 6, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_SRV = 33,
	DNS_DS = 43, DNS_DNSKEY = 48, DNS_TLSA = 52,
};
enum dns_status {
	DNS_OK,               /* at least one record */
	DNS_NODATA,           /* the name is there, the type is not */
	DNS_NXDOMAIN,
	DNS_TEMPORARY,        /* SERVFAIL, timeout, no server reached: ask later */
	DNS_BOGUS,            /* DNSSEC says the answer is forged or broken: as temporary, but say why */
};

struct dns_record {
	uint32_t ttl;                         /* seconds */
	union {
		struct net_addr addr;             /* A, AAAA */
		struct str name;                  /* NS, CNAME, PTR */
		struct str text;                  /* TXT: its strings joined (RFC 7208 3.3, 6376 3.6.2.2) */
		struct { uint16_t preference; struct str host; /* empty: null MX, RFC 7505 */ } mx;
		struct { uint16_t priority, weight, port; struct str host; } srv;
		struct { uint8_t usage, selector, matching; struct str data; /* raw octets */ } tlsa;
		struct str raw;                   /* all other types: rdata */
	};
};
struct dns_answer {
	enum dns_status status;
	bool secure;                          /* validated, also a proven absence (RFC 4033 5) */
	struct str canonical;                 /* the owner name behind CNAMEs; the question's name without */
	const struct dns_record *records;     /* of the asked type only, in the order of the answer */
	size_t n;
	const char *why;                      /* for the log when temporary or bogus; static or in the arena; may be NULL */
};

#define DNS_NAME_MAX 253                  /* octets, RFC 1035 2.3.4 without the final dot */
#define DNS_RECORDS_MAX 512               /* of one answer; more are cut */

/* Asks. What comes back lives in the arena. 0 (look at out->status), ERR_INVALID (no domain name), ERR_NO_MEMORY. */
typedef int dns_query_fn(void *ctx, struct arena *a, struct str name, enum dns_type type, struct dns_answer *out);
struct dns_source {
	dns_query_fn *query;
	void *ctx;
};
static inline int dns_query(const struct dns_source *s, struct arena *a, struct str name, enum dns_type type, struct dns_answer *out)
{
	return s->query(s->ctx, a, name, type, out);
}
/* "1.2.0.192.in-addr.arpa" or the nibbles of ip6.arpa (RFC 3596 2.5); prefix for DNSBLs: zone "zen.example". Appends to out. */
struct buf;
void dns_reverse_name(const struct net_addr *a, struct str zone, struct buf *out);

/* ---- the resolver ---- */

struct dns;
struct dns_config {
	const char *servers;                  /* "192.0.2.53 127.0.0.1@5353": forward to these; NULL: recursion from the root */
	const char *trust_anchor;             /* file with DS or DNSKEY records; NULL: the system's; "": no validation */
	const char *stub_hints;               /* tests: a root hints file; NULL: the built-in one */
	uint64_t timeout_ms;                  /* of one question; 0: 10 s */
	unsigned cache_mb;                    /* 0: 16 */
};
int dns_open(const struct dns_config *c, struct dns **out, struct err *e);
void dns_close(struct dns **d);           /* no question may be running; accepts NULL */
struct dns_source dns_source(struct dns *d);
struct dns_stats { uint64_t questions, temporary, bogus, timeouts; };
void dns_stats(struct dns *d, struct dns_stats *out);

#endif
