/* One SPF check under way, for spf.c and spf_mechanism.c only. */
#ifndef MAILAUTH_SPF_EVAL_H
#define MAILAUTH_SPF_EVAL_H

#include "mailauth/spf.h"
#include "mailauth/spf_macro.h"
#include "mailauth/spf_record.h"

struct spf_eval {
	const struct dns_source *dns;
	struct arena *arena;
	struct spf_macro_values values;     /* domain changes with include and redirect, the rest stays */
	bool local_is_ascii;
	unsigned lookups, voids;            /* of the whole check: 4.6.4 */
	bool term_was_void;                 /* a question of the current term got no record */
	bool names_known;                   /* the validated names of the client, asked for at most once */
	struct str *names;
	size_t n_names;
	const char *problem;
	bool no_memory;
};

/* What a mechanism comes to: 4.6.2. */
enum spf_match { SPF_NO_MATCH, SPF_MATCH, SPF_MATCH_TEMPERROR, SPF_MATCH_PERMERROR };

/* all, a, mx, ptr, ip4, ip6, exists. domain: the current one. */
enum spf_match spf_mechanism_match(struct spf_eval *e, const struct spf_directive *d);
/* The target-name: 4.8 and the end of 7.3. Empty when it is nothing that DNS can be asked for. */
struct str spf_target_name(struct spf_eval *e, struct str domain_spec);
/* Expands any macro string; the %{p} is looked up when it is there. False: over SPF_EXPANSION_MAX, or no memory. */
bool spf_expand(struct spf_eval *e, struct str text, struct str *out);
/* Asks DNS; a name that does not fit is as one that does not exist. */
struct dns_answer spf_query(struct spf_eval *e, struct str name, enum dns_type type);

#endif
