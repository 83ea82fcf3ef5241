/* The records that a domain must publish so that its mail works, and how they are written in a zone file. Pure; any thread; everything lives in the arena. */
#ifndef APP_DNS_PLAN_H
#define APP_DNS_PLAN_H

#include "app/dns_facts.h"
#include "base/arena.h"
#include "base/buf.h"
#include "rt/dns.h"

enum dns_subject {
	DNS_PLAN_ZONE,           /* nothing to publish: is the zone there, and signed? */
	DNS_PLAN_MX, DNS_PLAN_ADDRESS, DNS_PLAN_PTR, DNS_PLAN_SPF, DNS_PLAN_SPF_HOST, DNS_PLAN_DKIM, DNS_PLAN_DMARC, DNS_PLAN_STS, DNS_PLAN_STS_HOST,
	DNS_PLAN_TLSRPT, DNS_PLAN_TLSA, DNS_PLAN_SRV, DNS_PLAN_AUTOCONFIG,
};
enum dns_need {
	DNS_REQUIRED,            /* without it mail is lost or refused by many, or the configuration promises what is not so */
	DNS_RECOMMENDED,
	DNS_OPTIONAL,
};
const char *dns_need_text(enum dns_need n);      /* "required" */

struct dns_plan_record {
	enum dns_subject subject;
	enum dns_need need;
	struct str owner;
	enum dns_type type;
	struct str value;                    /* as in a zone file; of TXT the text itself. Empty: not ours to know */
	const char *purpose;                 /* one line */
	struct str hint;                     /* one more line, or empty */
	const struct dns_key *key;           /* DKIM */
	uint16_t port;                       /* SRV; 0: the service is not offered */
};
struct dns_plan {
	const struct dns_facts *facts;
	struct dns_plan_record *records;
	size_t n;
};
/* 0 or ERR_NO_MEMORY. */
int dns_plan_make(const struct dns_facts *f, struct arena *a, struct dns_plan *out);

/* One record as a line of a zone file; TXT in quoted strings of at most 255 octets, in parentheses where there are several. Appends. */
void dns_plan_line(const struct dns_plan_record *r, struct buf *out);
/* All, with what they are for as comments. What stands elsewhere than in or below the domain, and what only others know, is a comment too: the whole can be
 * pasted into the domain's zone. */
void dns_plan_format(const struct dns_plan *p, struct buf *out);

#endif
