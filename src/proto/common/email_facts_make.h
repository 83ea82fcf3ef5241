/* The facts of one email from its summary. For email_facts.c and its test. One thread. */
#ifndef PROTO_COMMON_EMAIL_FACTS_MAKE_H
#define PROTO_COMMON_EMAIL_FACTS_MAKE_H

#include "base/arena.h"
#include "base/buf.h"
#include "proto/common/email_facts.h"

struct facts_maker {
	struct buf subject, mapped;
	struct arena arena;
};
#define FACTS_MAKER_INIT { BUF_INIT(0), BUF_INIT(0), ARENA_INIT(0) }
void facts_maker_fini(struct facts_maker *m);

/* Fills *out; its references go to the end of refs. 0, ERR_CORRUPT, ERR_VERSION or ERR_NO_MEMORY. */
int facts_make(struct facts_maker *m, struct str summary, struct email_fact *out, struct email_refs *refs);
int email_refs_add(struct email_refs *refs, const uint64_t *v, size_t n);

#endif
