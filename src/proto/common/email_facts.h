/* What SORT and THREAD compare of an email: its dates, and hashes of its subject and message-ids. Made from the summary once and kept
 * in memory by account, because an email never changes and its id is never used again. Reading the summaries of a large mailbox takes
 * ten times as long as all that comes after it.
 *
 * Threads: any; takes its own lock (nothing is taken under it, and no store read is open while it is held). */
#ifndef PROTO_COMMON_EMAIL_FACTS_H
#define PROTO_COMMON_EMAIL_FACTS_H

#include "model/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of all that is kept; an email takes some 60. */
#define EMAIL_FACTS_BYTES_MAX ((size_t)256 << 20)

struct email_fact {
	int64_t sent;                /* the Date field, unix seconds, when has_sent */
	uint64_t id;                 /* keyed hash of the Message-ID; 0: none */
	uint64_t subject;            /* keyed hash of the base subject in i;unicode-casemap (RFC 5256 2.1, RFC 5051); 0: empty */
	uint32_t refs_at, n_refs;    /* keyed hashes of References, else of the first id of In-Reply-To, oldest first: in the pool of the call */
	bool has_sent;
	bool reply;                  /* the subject is that of a reply or a forward */
	bool missing;                /* the email is not there any more */
};
/* Grows as facts are loaded; zero-initialise, free(v) at the end. */
struct email_refs {
	uint64_t *v;
	size_t n, cap;
};

struct email_facts;
int email_facts_create(size_t bytes_max, struct email_facts **out);
void email_facts_destroy(struct email_facts **f);              /* accepts NULL */

/* The facts of n emails of an account, out[i] of email[i]. 0, ERR_NO_MEMORY, or an error of the model; one damaged summary counts as
 * missing. */
int email_facts_load(struct email_facts *f, struct account *a, const uint64_t *email, uint32_t n, struct email_fact *out,
					 struct email_refs *refs);

#endif
