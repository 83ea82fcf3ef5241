/* The macro language of SPF: RFC 7208 7. Pure; any thread; no allocation but in the caller's buffer. */
#ifndef MAILAUTH_SPF_MACRO_H
#define MAILAUTH_SPF_MACRO_H

#include "base/buf.h"
#include "base/str.h"
#include "rt/net.h"

#include <stdbool.h>
#include <stdint.h>

enum spf_macro_use {
	SPF_MACRO_DOMAIN,             /* domain-spec: ends in a top label or a macro; no c, r, t */
	SPF_MACRO_STRING,             /* of an unknown modifier */
	SPF_MACRO_EXPLANATION,        /* explain-string: spaces are allowed as well */
};
/* Is this well-formed by the grammar of 7.1? */
bool spf_macro_check(struct str text, enum spf_macro_use use);
/* Does it hold one of these letters as a macro ("sl")? text has passed spf_macro_check. */
bool spf_macro_has(struct str text, const char *letters);

struct spf_macro_values {
	struct str sender, local, sender_domain;    /* s, l, o */
	struct str domain, helo, receiver;          /* d, h, r */
	struct str validated;                       /* p; only looked at when the text has it */
	struct net_addr ip;                         /* i, v, c */
	int64_t now;                                /* t */
};
/* Appends the expansion of a text that has passed spf_macro_check. */
void spf_macro_expand(struct str text, const struct spf_macro_values *v, struct buf *out);

#endif
