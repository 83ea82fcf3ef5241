/* Forgetting expunged messages: their memberships, the emails that nobody holds any more, and then the tags of the
 * blobs. A few are forgotten in the commit that expunges them. Of many, that commit only writes the memberships into
 * graves (key 'g', values like member pages), and bounded commits after it empty the graves: a commit never grows with
 * the mailbox, and what a crash interrupts is found by the next one who opens the account. For this room only. */
#ifndef MODEL_PURGE_H
#define MODEL_PURGE_H

#include "model/change.h"
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

/* Within a commit: forgets these now or by grave; sorts the list. *blobs is to be untagged after the commit. */
int purge_members(struct change *c, struct member_list *gone, struct blob_list *blobs);
/* After the commit. What fails leaves a stale tag, which model_check finds. */
int purge_untag(struct model *m, uint64_t account, const struct blob_list *blobs);
/* After the commit: empties the graves, if there are any. */
int purge_graves(struct model *m, uint64_t account);

#endif
