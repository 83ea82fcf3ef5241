/* Sender Policy Framework: RFC 7208, check_host(). Pure but for the DNS source. Any thread; blocks for DNS. */
#ifndef MAILAUTH_SPF_H
#define MAILAUTH_SPF_H

#include "base/arena.h"
#include "base/str.h"
#include "rt/dns.h"
#include "rt/net.h"

enum spf_result { SPF_NONE, SPF_NEUTRAL, SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_TEMPERROR, SPF_PERMERROR };
const char *spf_result_text(enum spf_result r);      /* "pass" */

struct spf_question {
	struct net_addr ip;
	struct str helo;
	struct str sender;            /* MAIL FROM address without brackets; empty: null, then postmaster@helo (2.4) */
	struct str receiver;          /* our host name, for the %{r} macro */
};
struct spf_answer {
	enum spf_result result;
	struct str domain;            /* whose policy it was: for DMARC alignment and Authentication-Results */
	struct str explanation;       /* of a fail, from exp= (6.2), printable; or empty */
	struct str mechanism;         /* that matched, for the log; or empty */
	const char *problem;          /* of an error: what; or NULL */
};
/* 0 (look at out->result) or ERR_NO_MEMORY. Limits of 4.6.4: 10 terms with lookups, 2 void lookups, 10 MX, 10 PTR. */
int spf_check(const struct dns_source *dns, struct arena *a, const struct spf_question *q, struct spf_answer *out);

#endif
