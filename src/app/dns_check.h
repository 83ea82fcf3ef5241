/* What the DNS says now about the records of a plan: asked, and judged by what the records are for rather than by their text. One thread; blocks for the
 * DNS. */
#ifndef APP_DNS_CHECK_H
#define APP_DNS_CHECK_H

#include "app/dns_plan.h"
#include "rt/dns.h"

enum dns_state {                         /* from good to bad */
	DNS_RIGHT,
	DNS_UNKNOWN,                         /* the DNS gave no answer, or one that cannot be trusted */
	DNS_MISSING,
	DNS_WRONG,                           /* something is there, and does harm */
};
const char *dns_state_text(enum dns_state s);    /* "cannot tell" */

struct dns_finding {
	const struct dns_plan_record *record;
	enum dns_state state;
	struct buf there;                    /* what the DNS says: lines, printable */
	struct buf notes;                    /* remarks and cures: lines, printable */
	bool publish;                        /* the record's line is the cure, or part of it */
};
/* A finding lives as long as the call. */
typedef void dns_report_fn(void *ctx, const struct dns_finding *f);

struct dns_counts {
	unsigned right, unknown, missing, wrong;
	unsigned faults;                     /* what is wrong, or is required and not right */
};
/* Each record of the plan, in its order. 0 or ERR_NO_MEMORY. */
int dns_check(const struct dns_source *dns, const struct dns_plan *p, struct arena *a, dns_report_fn *report, void *ctx, struct dns_counts *out);

#endif
