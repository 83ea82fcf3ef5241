/* Parts of a snapshot into an account of now, beside the running server: by ordinary changes (append, flags, expunge, create), so that every client and
 * protocol sees them as such: UIDs are new ones, UIDVALIDITYs of mailboxes that are there stay, modseqs go on. Interrupted, it is simply done again: what is there
 * already is recognised (match.h). One thread. */
#ifndef BACKUP_RESCUE_H
#define BACKUP_RESCUE_H

#include "backup/intent.h"
#include "backup/old_account.h"
#include "base/rangeset.h"

struct rescue_report {
	uint64_t mailboxes, added, present, changed, removed, lost;      /* mailboxes made or removed; messages brought back, there already, whose flags changed, that
																		went, whose body is not in the backup */
	uint64_t strangers;                   /* access rights that did not come back: there is no such user or group any more */
	uint64_t beside;                      /* mailboxes that came back under another name, as the bin (model/bin.h) has theirs by now */
};
struct rescue {
	struct old_account *from;
	struct model *model;                  /* of now */
	struct directory *directory;
	struct account *to;
	struct str owner;                     /* its user's name, for access lists */
	struct intent *intent;                /* where mailboxes that are being made are noted; NULL: nowhere, and one that a kill left half is not made whole */
	struct str mailbox;                   /* only this one; empty: all, with subscriptions */
	struct str into;                      /* ... under this name; empty: its own */
	const struct rangeset *uids;          /* ... only these of its messages; NULL: all */
	/* Not only is what is missing brought back: all is as it was. What came later goes, flags, rights and annotations are those of then. */
	bool exact;
	void (*progress)(void *arg, uint64_t messages, uint64_t done, uint64_t all);     /* may be NULL; mailboxes done of all */
	void *arg;
};
/* ERR_NOT_FOUND: no such mailbox then. ERR_DENIED: one mailbox alone, into the bin. */
int rescue_run(const struct rescue *r, struct rescue_report *out, struct err *e);

#endif
