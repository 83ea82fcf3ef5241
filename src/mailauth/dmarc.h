/* DMARC: RFC 7489 and its successor (draft dmarcbis: the DNS tree walk, np=, t=, psd=). Pure but for the DNS source. Any thread. */
#ifndef MAILAUTH_DMARC_H
#define MAILAUTH_DMARC_H

#include "base/arena.h"
#include "base/str.h"
#include "mailauth/dkim.h"
#include "mailauth/spf.h"
#include "rt/dns.h"

#include <stdbool.h>

enum dmarc_result { DMARC_NONE, DMARC_PASS, DMARC_FAIL, DMARC_TEMPERROR, DMARC_PERMERROR };
const char *dmarc_result_text(enum dmarc_result r);
enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };
const char *dmarc_policy_text(enum dmarc_policy p);

enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_NO, DMARC_PSD_YES };

/* A policy record as published. */
struct dmarc_record {
	struct str domain;                               /* where it was found */
	struct str organization;                         /* the organizational domain of the author's (tree walk); empty: DNS failed on the way there */
	enum dmarc_policy p, sp, np;                     /* sp and np with their defaults */
	enum dmarc_psd psd;
	bool strict_dkim, strict_spf;                    /* adkim=s, aspf=s */
	bool testing;                                    /* t=y, or pct=0 */
	unsigned percent;                                /* pct=; 100. The successor has no sampling, and dmarc_check does none */
	struct str *rua;                                 /* mailto: URIs without size limits, in order; may be 0 */
	size_t n_rua;
	struct str text;
};
/* The record that applies to an author's domain (in lower case and A-labels). 0; ERR_NOT_FOUND (none published), ERR_RETRY (DNS failed), ERR_INVALID
 * (permerror), ERR_NO_MEMORY. */
int dmarc_discover(const struct dns_source *dns, struct arena *a, struct str author_domain, struct dmarc_record *out);
/* May reports about `domain`, where the record was found, be sent to addresses of this one (RFC 7489 7.1)? 1 yes, 0 no, ERR_RETRY, ERR_NO_MEMORY. */
int dmarc_may_report(const struct dns_source *dns, struct arena *a, struct str domain, struct str destination_domain);

struct dmarc_question {
	struct str from_domain;                          /* of the one author; empty: none or several: permerror */
	const struct spf_answer *spf;
	const struct dkim_verdict *dkim;
	size_t n_dkim;
};
struct dmarc_answer {
	enum dmarc_result result;
	enum dmarc_policy policy;                        /* that applies to this message, after sp, np, t; before local overrides */
	bool dkim_aligned, spf_aligned;                  /* and passed */
	struct dmarc_record record;                      /* when result is PASS or FAIL */
	const char *problem;                             /* of an error: what; or NULL */
};
/* 0 (look at out->result) or ERR_NO_MEMORY. */
int dmarc_check(const struct dns_source *dns, struct arena *a, const struct dmarc_question *q, struct dmarc_answer *out);
/* The domain of the author, who stands in From (RFC 7489 6.6.1), in lower case and A-labels. header: or the whole message. False: none, more than one
 * domain, or more than one From. */
bool dmarc_author_domain(struct arena *a, struct str header, struct str *out);

#endif
