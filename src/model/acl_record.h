/* The stored form of a mailbox's access list (acl.h), and what happens to it with the tree of mailboxes. For this room only. */
#ifndef MODEL_ACL_RECORD_H
#define MODEL_ACL_RECORD_H

#include "model/acl.h"
#include "model/change.h"

/* 0, ERR_CORRUPT, ERR_VERSION. The entries are made in the arena, identifiers are slices of value. */
int acl_decode(struct str value, struct arena *arena, struct acl *out);
/* Within a commit; logged by the caller. */
int acl_remove(struct change *c, uint32_t mailbox);
/* A new mailbox takes the list of another over. What cannot be read is not taken over: nobody is given more than somebody decided. */
int acl_inherit(struct change *c, uint32_t from, uint32_t to);
/* The list gets another number; likewise, and without a word in the log. */
int acl_move(struct change *c, uint32_t from, uint32_t to);

#endif
