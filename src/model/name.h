/* Names of mailboxes: which are allowed, their order, and the index from a name to its mailbox. Any thread.
 * A name is longer than a key may be, so names are found through a hash of them: under each hash lies a bucket that
 * lists what has it. The hash is keyed with a constant: whoever makes names collide only slows down the own account. */
#ifndef MODEL_NAME_H
#define MODEL_NAME_H

#include "model/mailbox_record.h"

uint64_t name_hash(struct str name);
/* Into text: in Normalization Form C (RFC 9051 5.1), a leading INBOX level in capitals (RFC 3501 5.1: that name knows no case). Checks the
 * rules of mailbox_name_check. 0, ERR_INVALID, ERR_TOO_BIG. */
int name_canonical(struct str name, char text[MAILBOX_NAME_MAX], struct str *out, struct err *e);
static inline bool name_is_inbox(struct str canonical) { return str_eq(canonical, STR("INBOX")); }
/* The name of the level above; empty at the top. */
struct str name_parent(struct str name);
/* Is it somewhere below `above`? */
bool name_is_below(struct str name, struct str above);
/* For sorting: INBOX and what is below it first, a mailbox directly before what is below it, else bytewise. */
int name_compare(struct str a, struct str b);

/* 0 with the record, or ERR_NOT_FOUND. */
int name_lookup(struct source s, struct str canonical, struct mailbox_record *out);
int name_index_add(struct store_write *w, struct str canonical, uint32_t mailbox);
int name_index_remove(struct store_write *w, struct str canonical, uint32_t mailbox);

#endif
