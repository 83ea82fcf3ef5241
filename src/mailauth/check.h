/* Everything that is asked of a message on arrival, in one call, and the field that says so: RFC 8601. Any thread; blocks for DNS: after limit_ms
 * no question is begun. */
#ifndef MAILAUTH_CHECK_H
#define MAILAUTH_CHECK_H

#include "mailauth/arc.h"
#include "mailauth/dmarc.h"

enum iprev_result { IPREV_NONE, IPREV_PASS, IPREV_FAIL, IPREV_TEMPERROR, IPREV_PERMERROR };

struct mailauth_question {
	struct net_addr ip;
	struct str helo, sender, receiver;               /* as struct spf_question */
	struct str message;                              /* as it came, without fields of ours */
	int64_t now;
	uint64_t limit_ms;                               /* 0: 30 s; what is not answered by then is temperror */
	const struct spf_answer *spf;                    /* known already (checked at MAIL); NULL: check */
	struct str auth_user;                            /* of a submission: the field says who, and nothing else; else empty */
};
struct mailauth_verdict {
	struct spf_answer spf;
	struct dkim_verdict *dkim;
	size_t n_dkim;
	struct arc_verdict arc;
	struct dmarc_answer dmarc;
	struct str from_domain;
	enum iprev_result iprev;
	struct str ptr;                                  /* the confirmed name, or empty */
};
/* 0 or ERR_NO_MEMORY. */
int mailauth_check(const struct dns_source *dns, struct arena *a, const struct mailauth_question *q, struct mailauth_verdict *out);
/* Forward-confirmed reverse DNS: RFC 8601 3. At most 10 names are tried. name_out: the confirmed one, or empty. */
enum iprev_result iprev_check(const struct dns_source *dns, struct arena *a, const struct net_addr *ip, struct str *name_out);
const char *iprev_result_text(enum iprev_result r);

/* One Authentication-Results field, folded, with its CRLF; `authserv` is our host name. Printable ASCII only, whatever the values hold. IPREV_NONE
 * and ARC_NONE are not mentioned. A submission's verdict may be zeroed. */
void authres_format(const struct mailauth_verdict *v, const struct mailauth_question *q, struct str authserv, struct buf *out);
/* The same content without the field name and final CRLF: for arc_seal. */
void authres_format_bare(const struct mailauth_verdict *v, const struct mailauth_question *q, struct str authserv, struct buf *out);
/* RFC 8601 5: the message's header without Authentication-Results fields that claim to be ours, that nobody can read the claim of, or that are of a
 * version which is not 1. Appends the whole header (with its empty line) to out, *header_length_out is how many octets of the message that replaces,
 * and returns how many fields were left out; 0: nothing was appended, use the message as it is. */
unsigned authres_remove_ours(struct str message, struct str authserv, struct buf *out, size_t *header_length_out);

#endif
