/* What TLS reports count (RFC 8460 4): one event for each session with a policy domain, or for the want of one. Any thread. */
#ifndef OUTBOUND_REPORT_H
#define OUTBOUND_REPORT_H

#include "outbound/client.h"
#include "outbound/policy.h"
#include "outbound/setup.h"

/* A session that came at least as far as STARTTLS. */
void report_session(struct outbound *o, struct str domain, struct str mx_host, const struct net_addr *peer, const struct policy *p, const struct client_opening *opening);
/* A host that the policy itself rules out. */
void report_refusal(struct outbound *o, struct str domain, struct str mx_host, const struct policy *p, const struct trouble *t);

#endif
