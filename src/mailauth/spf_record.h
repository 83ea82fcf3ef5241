/* The text of an SPF record: RFC 7208 4.6.1, 5, 6 and 12. Pure; any thread. */
#ifndef MAILAUTH_SPF_RECORD_H
#define MAILAUTH_SPF_RECORD_H

#include "base/arena.h"
#include "base/str.h"
#include "mailauth/spf.h"

#include <stdbool.h>

enum spf_mechanism { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS };

struct spf_directive {
	enum spf_mechanism mechanism;
	enum spf_result qualifier;          /* what a match means */
	struct str domain_spec;             /* checked; empty: the current domain */
	struct net_addr network;            /* ip4, ip6 */
	unsigned bits4, bits6;              /* prefix lengths */
	struct str text;                    /* as written */
};
struct spf_record {
	struct spf_directive *directives;   /* in the arena; strings are slices of the text */
	size_t n;
	struct str redirect, exp;           /* domain-specs, checked; empty: none */
};
/* 4.5: does this TXT record begin with exactly "v=spf1"? */
bool spf_record_is_ours(struct str text);
/* Parses a record that is. 0; ERR_INVALID: a syntax error anywhere (4.6), and *problem_out is a static text; ERR_NO_MEMORY. */
int spf_record_parse(struct str text, struct arena *a, struct spf_record *out, const char **problem_out);

#endif
