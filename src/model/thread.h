/* Which thread a new email belongs to. An index from Message-IDs to emails: the 64-bit hash of an id (without angle
 * brackets) and the first email that has it as its own or refers to it, packed into pages of up to THREAD_PAGE_MAX that
 * partition the order of the hashes by their lower bounds (doc/format/model.md, kind 't').
 *
 * A thread is named by the email that began it, so its id is unique in the account and never reused. What is noted of
 * an email that is gone is passed over, and swept away when its page is full: the index is bounded by what was there
 * when an id came last. Everything in it can be made again from the emails, so damage never stops a delivery.
 * For this room only; within a commit. */
#ifndef MODEL_THREAD_H
#define MODEL_THREAD_H

#include "model/change.h"
#include "model/limits.h"

struct thread_entry {
	uint64_t hash;
	uint64_t email;
};
#define THREAD_ENTRY_BYTES 16u
#define THREAD_VALUE_MAX (RECORD_HEADER + THREAD_PAGE_MAX * THREAD_ENTRY_BYTES)

struct thread_page {
	uint32_t count;
	struct thread_entry v[THREAD_PAGE_MAX + 1];   /* one more than is stored: while it is being put */
};
/* 0, ERR_CORRUPT (also when hashes do not ascend or lie below start), ERR_VERSION. */
int thread_page_decode(struct str value, uint64_t start, struct thread_page *out);
size_t thread_page_encode(const struct thread_entry *v, uint32_t count, char p[THREAD_VALUE_MAX]);

uint64_t thread_hash(struct str message_id);

/* The thread of an email that is being made: that of the first known id of In-Reply-To, References (newest first) and
 * Message-ID, else its own. Notes those of its ids that are not known. A summary that cannot be read has no ids.
 * 0, ERR_NO_MEMORY, or the store's codes. */
int thread_join(struct change *c, uint64_t email, struct str summary, uint64_t *thread_out);

#endif
