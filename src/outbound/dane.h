/* What a host promises about its TLS in the DNS: RFC 7672 2.2, RFC 6698. Any thread; blocks for the DNS. */
#ifndef OUTBOUND_DANE_H
#define OUTBOUND_DANE_H

#include "base/arena.h"
#include "base/str.h"
#include "outbound/mx.h"
#include "rt/dns.h"

#include <stddef.h>
#include <stdint.h>

enum dane_kind {
	DANE_NONE,            /* no secure records: whatever else applies */
	DANE_USABLE,          /* TLS, and it must match one of them */
	DANE_UNUSABLE,        /* there are some, but none that can be used: TLS, unverified */
	DANE_FAILED,          /* could not be found out: the host must not be used now */
};
struct dane {
	enum dane_kind kind;
	struct str base;                      /* TLSA base domain: SNI, and the first name to look for */
	const struct dns_record *records;     /* usable ones */
	size_t n;
	const struct str *strings;            /* all of them as text, "3 1 1 ab01...", for reports */
	size_t n_strings;
	const char *why;                      /* of DANE_FAILED; may be NULL */
};
/* The host by the name that led to it, its addresses (mx_resolve) and the port. The caller has made sure that the name itself was learnt securely. 0 or
 * ERR_NO_MEMORY. */
int dane_find(const struct dns_source *dns, struct arena *a, struct str host, const struct mx_addresses *at, uint16_t port, struct dane *out);

#endif
