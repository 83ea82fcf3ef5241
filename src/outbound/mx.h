/* Which hosts take mail for a domain, and where they are: RFC 5321 5.1, RFC 7505. Any thread; blocks for the DNS. Results live in the arena
 * or in the struct given. */
#ifndef OUTBOUND_MX_H
#define OUTBOUND_MX_H

#include "base/arena.h"
#include "base/str.h"
#include "outbound/limits.h"
#include "outbound/outbound.h"
#include "outbound/trouble.h"
#include "rt/dns.h"
#include "rt/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who we are: an MX set that leads back to us is cut off there. */
struct mx_self {
	const struct str *names;
	size_t n_names;
	const struct net_endpoint *endpoints;
	size_t n_endpoints;
};

struct mx_host {
	struct str name;
	uint16_t preference;
};
struct mx_list {
	struct mx_host host[MX_HOSTS_MAX];        /* in the order in which they are to be tried */
	size_t n;                                 /* at least one */
	bool secure;                              /* the MX records are validated, or their absence is (RFC 7672 2.2.1) */
	bool implicit;                            /* the domain has none: it is its own host */
	struct str canonical;                     /* the domain behind CNAMEs */
};
/* 0, or an error, and *t says what becomes of the mail: null MX 5.1.10, no such domain 5.1.2, all hosts are ourselves 5.4.6, DNS fails 4.4.3. */
int mx_find(const struct dns_source *dns, struct arena *a, struct str domain, const struct mx_self *self, struct mx_list *out, struct trouble *t);
/* The list turned out to hold ourselves at this place: it and all that are no better are left out (RFC 5321 5.1). */
void mx_cut(struct mx_list *l, size_t at);

struct mx_addresses {
	struct net_addr addr[MX_ADDRESSES_MAX];   /* families take turns, the preferred one first; each in random order */
	size_t n;
	bool secure;                              /* all of them are validated */
	struct str canonical;                     /* the name behind CNAMEs */
};
/* 0, or an error and *t. ERR_CONFLICT: one of them is ours at that port. */
int mx_resolve(const struct dns_source *dns, struct arena *a, struct str host, uint16_t port, enum outbound_ip order, const struct mx_self *self,
			   struct mx_addresses *out, struct trouble *t);

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" as RCPT carries it. */
bool mx_literal(struct str domain, struct net_addr *out);

#endif
