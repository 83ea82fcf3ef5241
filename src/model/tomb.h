/* A mailbox that was deleted (key 'h', its id): so much of it as it takes to make it again, with the messages that lie in the bin. Its access list and annotations stay where they
 * are, under another number (key_kept), as long as the tomb is there: so who is taken out of all lists of an account is out of these too. For this room only. */
#ifndef MODEL_TOMB_H
#define MODEL_TOMB_H

#include "model/change.h"
#include "model/mailbox_record.h"

struct tomb {
	uint32_t mailbox;
	int64_t deleted;                              /* unix seconds */
	uint32_t use;
	uint32_t restored;                            /* the mailbox that came in its place; 0: none */
	uint32_t from;                                /* what the bin has from it with this UID or a greater one was deleted with it, not before */
	bool subscribed;                              /* the name was, when it was deleted */
	uint32_t name_n;
	char name[MAILBOX_NAME_MAX];
};
static inline struct str tomb_name(const struct tomb *t) { return str_make(t->name, t->name_n); }

int tomb_decode(struct str value, uint32_t mailbox, struct tomb *out);       /* 0, ERR_CORRUPT, ERR_VERSION */
int tomb_load(struct source s, uint32_t mailbox, struct tomb *out);          /* ERR_NOT_FOUND too */
/* The next one by mailbox, after `after` (0: the first): 1, 0 at the end, or an error, ERR_CORRUPT with *out.mailbox set. */
int tomb_next(struct source s, uint32_t after, struct tomb *out);

/* Within a commit. Of a mailbox that is just being deleted, whose list and annotations it takes along; over TOMBS_MAX the oldest goes. */
int tomb_add(struct change *c, const struct mailbox_record *mailbox);
/* Gives what it took along to a mailbox that has neither. */
int tomb_give_back(struct change *c, const struct tomb *t, uint32_t to);
int tomb_save(struct change *c, const struct tomb *t);                       /* one that is there */
int tomb_remove(struct change *c, uint32_t mailbox);
/* What a tomb of that mailbox has taken along goes. */
int tomb_drop_kept(struct change *c, uint32_t mailbox);
/* Those that were deleted at `until` or before. */
int tomb_expire(struct change *c, int64_t until);

#endif
