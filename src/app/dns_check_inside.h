/* What the parts of dns_check share. Private to app/dns_check*.c. */
#ifndef APP_DNS_CHECK_INSIDE_H
#define APP_DNS_CHECK_INSIDE_H

#include "app/dns_check.h"

#define DNS_CHECK_ADDRESSES 16           /* of one name; more are not looked at */

/* The addresses of a name. */
struct dns_addresses {
	enum dns_state state;                /* right: at least one; missing; unknown */
	struct net_addr addr[DNS_CHECK_ADDRESSES];
	size_t n;
	bool is_alias;                       /* found through a CNAME */
	const char *why;                     /* one question was not answered; or NULL */
};

struct dns_checking {
	const struct dns_source *dns;
	const struct dns_plan *plan;
	const struct dns_facts *facts;
	struct arena *arena;
	struct dns_addresses host;
};
/* Judges one record. *out is zeroed: right, and nothing said. 0 or ERR_NO_MEMORY. */
typedef int dns_check_fn(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out);
dns_check_fn dns_check_mx, dns_check_address, dns_check_ptr, dns_check_srv, dns_check_alias;                     /* dns_check_host.c */
dns_check_fn dns_check_spf, dns_check_dkim, dns_check_dmarc, dns_check_sts, dns_check_tlsrpt;                    /* dns_check_text.c */
dns_check_fn dns_check_tlsa;                                                                                     /* dns_check_tlsa.c */

/* Asks. Where there are no records (answer->status is not DNS_OK), *out says missing or unknown, and why. 0 or ERR_NO_MEMORY. */
int dns_check_ask(struct dns_checking *c, struct str name, enum dns_type type, struct dns_answer *answer, struct dns_finding *out);
int dns_check_addresses(struct dns_checking *c, struct str name, struct dns_addresses *out);
bool dns_addresses_meet(const struct dns_addresses *a, const struct dns_addresses *b);

/* The state becomes the worse of two. */
void dns_finding_worsen(struct dns_finding *f, enum dns_state s);
/* A line more; what is not printable becomes '?'. */
void dns_finding_there(struct dns_finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void dns_finding_note(struct dns_finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Wrong, and the note says how. */
void dns_finding_wrong(struct dns_finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
