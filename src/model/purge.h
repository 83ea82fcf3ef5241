/* What becomes of messages that went: their memberships are forgotten, and an email that lost its last one goes into the bin (bin.h), or for good with
 * the tag of its blob. A few are seen to in the commit that expunges them. Of many, that commit only writes what they were into graves (key 'g', gone.h), and
 * bounded commits after it empty the graves: a commit never grows with the mailbox, and what a crash interrupts is found by the next one who opens the
 * account. For this room only. */
#ifndef MODEL_PURGE_H
#define MODEL_PURGE_H

#include "model/change.h"
#include "model/gone.h"
#include "model/mailbox_record.h"
#include "model/member.h"
#include "store/store.h"

/* Grows as needed; fini frees. */
struct member_list {
	struct member *v;
	size_t n, cap;
};
int member_list_add(struct member_list *l, struct member m);
void member_list_fini(struct member_list *l);

struct blob_list {
	store_blob_id *v;
	size_t n, cap;
};
int blob_list_add(struct blob_list *l, store_blob_id blob);
void blob_list_fini(struct blob_list *l);

/* What a commit leaves to do. */
struct purged {
	struct blob_list blobs;                       /* to be untagged */
	bool buried;                                  /* there are graves to empty */
	bool over;                                    /* the bin has outgrown its ceiling */
};
void purged_reset(struct purged *p);              /* at the entry of the closure */
void purged_fini(struct purged *p);

/* Within a commit: of messages that went out of `from`, now or by grave; sorts the list, and changes it. */
int purge_gone(struct change *c, struct mailbox_record *from, struct gone_list *gone, struct purged *out);
/* Now and for good, however many; what else shows an email holds it. */
int purge_now(struct change *c, struct gone_list *gone, struct purged *out);
/* After the commit: all of it. What fails is left to others: it does no harm. */
void purge_finish(struct model *m, uint64_t account, const struct purged *p);
/* After the commit. What fails leaves a stale tag, which model_check finds. */
int purge_untag(struct model *m, uint64_t account, const struct blob_list *blobs);
/* After the commit: empties the graves, if there are any. */
int purge_graves(struct model *m, uint64_t account);

#endif
