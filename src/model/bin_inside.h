/* The bin (bin.h) within a commit. Its record is an ordinary mailbox record that says `bin`; the state knows its id. For this room only. */
#ifndef MODEL_BIN_INSIDE_H
#define MODEL_BIN_INSIDE_H

#include "model/change.h"
#include "model/gone.h"
#include "model/mailbox_record.h"
#include "model/origin.h"

int bin_load(struct change *c, struct mailbox_record *out);      /* 0, ERR_NOT_FOUND, ... */
/* Flags into the terms of the bin, which is made when it is not there; each is `kept` then. */
int bin_keep(struct change *c, struct mailbox_record *from, struct gone_list *gone);
/* The same where the bin is damaged: keywords are lost. */
void bin_keep_plain(struct gone_list *gone);
/* Can nothing be put into it, before a repair? */
int bin_is_damaged(struct change *c, bool *out);
/* Puts n messages (email, size, date, flags) with their origins behind all others. from: the mailbox that the flags belong to; NULL: the bin already. ERR_TOO_BIG:
 * its UIDs are used up, and nothing was done. *over_out: it has outgrown its ceiling; see bin_trim. */
int bin_put(struct change *c, struct mailbox_record *from, struct message *m, struct origin *origins, size_t n, bool *over_out);
/* Is it the name of something below the bin? */
int bin_covers(struct change *c, struct str name, bool *out);

/* After a commit: takes out the oldest until it fits under its ceiling. */
int bin_trim(struct model *m, uint64_t account);

#endif
