/* Bringing back what a damaged index no longer shows: emails whose places are lost, and bodies whose emails are lost. Parts of audit.h; for this room only. */
#ifndef MODEL_AUDIT_RECOVER_H
#define MODEL_AUDIT_RECOVER_H

#include "model/audit.h"

/* Before memberships are mended: emails that no index shows any more go back to where the memberships say they were, or else into the mailbox "Recovered".
 * Flags are lost, dates come from the messages. In an account whose scope is not wounded an email that is shown elsewhere without a membership stays there alone:
 * its page came under another key. */
int audit_recover_places(struct audit *c);
/* Of audit_recount the part that these need first: a state and records that are older than what they count know neither which ids nor which UIDs are taken. A
 * change_fn. */
int audit_recount_mailboxes(struct change *c, void *arg);
/* Bodies that have the account's tag and no email: those whose size tells which lost email they are of become its body again, all others come into
 * "Recovered". Then what still shows lost emails is taken out of the indexes. A body may be one whose message is just being delivered: emails from the id
 * `email` on came since the snapshot and keep theirs, and a delivery that comes later must put its body anew. */
int audit_recover_bodies(struct audit *c, uint64_t email, const struct blob_list *bodies);
/* Notes in the emails' records that their bodies are known to be lost. */
int audit_note_bodyless(struct audit *c, uint64_t email);
/* The mailbox "Recovered", made when it is not there; INBOX when it holds no messages. Within a commit. */
int audit_recovered_mailbox(struct change *c, struct mailbox_record *out);
/* Counters that may have been set back go far beyond what can have been given out. A change_fn. */
int audit_skip_ahead(struct change *c, void *arg);
/* Accounts that the registry has lost, found by the tags of bodies. */
int audit_find_accounts(struct model *m, bool repair, store_report_fn *fn, void *arg, uint64_t *faults);

#endif
