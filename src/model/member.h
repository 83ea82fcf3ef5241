/* Which mailboxes hold an email: triples (email, mailbox, uid) in ascending order, packed into pages of up to
 * MEMBER_PAGE_MAX that partition the order by their lower bounds. An email may be in any number of places. */
#ifndef MODEL_MEMBER_H
#define MODEL_MEMBER_H

#include "model/limits.h"
#include "model/record.h"

#include <stdint.h>

struct member {
	uint64_t email;
	uint32_t mailbox;
	uint32_t uid;
};
#define MEMBER_BYTES 16u
#define MEMBER_VALUE_MAX (RECORD_HEADER + MEMBER_PAGE_MAX * MEMBER_BYTES)

int member_compare(const struct member *a, const struct member *b);
void member_sort(struct member *m, size_t n);

/* A page's value: also what a grave holds (grave.h). */
struct member_page {
	uint32_t count;
	struct member m[MEMBER_PAGE_MAX];
};
int member_page_decode(struct str value, struct member_page *out);
size_t member_page_encode(const struct member *m, uint32_t count, char p[MEMBER_VALUE_MAX]);

/* Puts and takes away memberships in one pass. Both lists sorted; what is removed but not there, or added and there
 * already, is passed over. */
int member_edit(struct store_write *w, const struct member *remove, size_t n_remove, const struct member *add,
				size_t n_add);
/* The first membership of the email that is not less than (mailbox, uid): 1, 0 when there is none, or an error. */
int member_find(struct source s, uint64_t email, uint32_t mailbox, uint32_t uid, struct member *out);

#endif
