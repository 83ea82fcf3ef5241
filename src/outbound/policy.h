/* What TLS a host must give before it gets a message: the operator's route, DANE (RFC 7672), MTA-STS (RFC 8461), and what the message itself
 * says (RFC 8689). Any thread; blocks for the DNS. */
#ifndef OUTBOUND_POLICY_H
#define OUTBOUND_POLICY_H

#include "base/arena.h"
#include "outbound/client.h"
#include "outbound/dane.h"
#include "outbound/mx.h"
#include "outbound/outbound.h"
#include "outbound/route.h"
#include "outbound/sts.h"

#include <stdbool.h>

/* The host in question and how it was found. */
struct policy_question {
	const struct dns_source *dns;
	const struct route *route;
	struct str domain;                    /* next hop: the domain whose MX was looked up, the smart host, or a literal */
	bool literal;                         /* an address: nothing can be published for it */
	const struct mx_list *list;           /* NULL: the route names the host */
	struct str host;
	const struct mx_addresses *addresses;
	const struct sts_answer *sts;         /* of the domain; found == false: none */
	bool no_dane;
	unsigned flags;                       /* enum queue_flag of the message */
	bool null_sender;
	const char *ca_file;
};
struct policy {
	enum client_tls tls;
	struct tls_client_policy client;
	bool testing;                         /* MTA-STS: verify and tell, and then go on as if there were no policy */
	bool relaxed;                         /* weaker than for other messages (TLS-Required: No): the session is for this one only */
	bool require;                         /* RFC 8689: the server must be verified and offer REQUIRETLS */
	/* for TLS reports */
	enum tls_report_policy kind;
	const struct str *strings, *mx_patterns;
	size_t n_strings, n_mx_patterns;
	bool mx_mismatch;                     /* MTA-STS in mode testing: the policy does not name this host */
	struct str names[4];                  /* client.names points here */
};
/* 0; ERR_DENIED: this host must not be used, *t says why (and *out is filled as far as a report needs it); ERR_NO_MEMORY. *out must stay where it is. */
int policy_find(const struct policy_question *q, struct arena *a, struct policy *out, struct trouble *t);

#endif
