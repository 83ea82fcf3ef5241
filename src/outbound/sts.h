/* MTA-STS policies of other domains: RFC 8461 3 and 5.1. Fetched over HTTPS, kept in the system scope for as long as their domains ask. Any
 * thread; blocks for the DNS and a fetch. */
#ifndef OUTBOUND_STS_H
#define OUTBOUND_STS_H

#include "base/arena.h"
#include "base/err.h"
#include "codec/smtp/sts.h"
#include "rt/dns.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct sts;
int sts_create(struct store *s, struct sts **out);
void sts_destroy(struct sts **s);             /* accepts NULL */

struct sts_question {
	const struct dns_source *dns;
	const char *ca_file;                      /* NULL: the system's */
	int64_t now;                              /* unix seconds */
};
struct sts_answer {
	bool found;                               /* also with mode none */
	struct sts_policy policy;
	const struct str *lines;                  /* of the policy, for reports */
	size_t n_lines;
};
/* The policy that applies to mail for the domain now. What cannot be found out is not there (RFC 8461 3.3), unless a policy from before is still good.
 * 0 or ERR_NO_MEMORY. Strings live in the arena. */
int sts_find(struct sts *s, const struct sts_question *q, struct arena *a, struct str domain, struct sts_answer *out);
/* Fetches anew what is used and getting old (RFC 8461 3.3: once a day), and forgets what is over. Call now and then; does a bounded amount of work,
 * and stops when *stop. */
void sts_refresh(struct sts *s, const struct sts_question *q, const _Atomic bool *stop);

#endif
