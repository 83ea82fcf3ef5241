/* Annotations: named values of a mailbox or of the whole account (RFC 5464's data model). One set is shared by all who may see the mailbox, and
 * each user has one of his own. A public header of the room, beside model.h; the rules there about threads and errors hold here.
 *
 * Names are opaque bytes, compared without ASCII case; their spelling is the protocol's. A mailbox's annotations go with it when it is deleted, come back with it (bin.h),
 * stay with it when it is renamed, and are copied when INBOX is renamed. */
#ifndef MODEL_ANNOTATION_H
#define MODEL_ANNOTATION_H

#include "base/arena.h"
#include "model/model.h"

#define ANNOTATION_NAME_MAX 250               /* bytes */
#define ANNOTATION_VALUE_MAX 65536            /* bytes */
#define ANNOTATIONS_MAX 100                   /* in one set: shared or one user's, of one mailbox, of the account, or of the house */
#define ANNOTATION_BYTES_MAX ((uint64_t)16 << 20)     /* names and values of all annotations in an account, whosever they are; the last quarter is
                                                       * for the owner only, so that guests cannot use it up */

struct annotation {
	struct str name;
	struct str value;                     /* p == NULL: there is none (to set it so takes the annotation away) */
	bool is_private;                      /* of one user */
};

/* Those of the mailbox (0: of the account as a whole): the shared ones, and the private ones of the user with that account id. In the arena, in
 * no order. ERR_NOT_FOUND: no such mailbox. A level that cannot be selected has annotations too. */
int annotation_list(struct account *a, uint32_t mailbox, uint64_t user, struct arena *arena, struct annotation **out, size_t *n_out);

/* Sets or takes away, all or nothing; with use, the mailbox's special uses too (mailbox_set_use) in the same change. ERR_NOT_FOUND; ERR_INVALID (a
 * name); ERR_TOO_BIG (a value); ERR_QUOTA (too many, or too many bytes in the account). */
struct annotation_change {
	const struct annotation *v;
	size_t n;
	const uint32_t *use;                  /* NULL: stays */
};
int annotation_set(struct account *a, uint32_t mailbox, uint64_t user, const struct annotation_change *change);

/* What changed after modseq `since`: names with their values of now. The change log tells which mailboxes to ask about (LOG_METADATA; mailbox 0: the
 * account). Of those that were taken away, the last few of each set are remembered. */
int annotation_changes(struct account *a, uint32_t mailbox, uint64_t user, uint64_t since, struct arena *arena, struct annotation **out,
					   size_t *n_out);

/* Those of the whole house, shared by all users; they lie in no account. is_private is false. */
int model_annotation_list(struct model *m, struct arena *arena, struct annotation **out, size_t *n_out);
int model_annotation_set(struct model *m, const struct annotation *v, size_t n);

#endif
