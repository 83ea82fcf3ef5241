/* The walk up the DNS tree that finds DMARC records and organizational domains: 4.10 of RFC 7489's successor. */
#ifndef MAILAUTH_DMARC_WALK_H
#define MAILAUTH_DMARC_WALK_H

#include "mailauth/dmarc.h"
#include "mailauth/limits.h"

struct dmarc_walk {
	struct str start;
	struct dmarc_record found[DMARC_WALK_MAX];       /* from the longest name to the shortest */
	size_t n;
	bool invalid;                                    /* a record was passed over that nothing can be read from */
	bool failed;                                     /* DNS failed: the walk ended there */
};
/* From a domain in lower case and A-labels. 0 or ERR_NO_MEMORY. */
int dmarc_walk(const struct dns_source *dns, struct arena *a, struct str domain, struct dmarc_walk *out);
/* The organizational domain of where the walk began; a slice of it. */
struct str dmarc_walk_organization(const struct dmarc_walk *w);
/* Asks for TXT at a name. ERR_NOT_FOUND: nothing there, or it is no name; ERR_RETRY; ERR_NO_MEMORY. */
int dmarc_query(const struct dns_source *dns, struct arena *a, struct str name, struct dns_answer *out);

#endif
