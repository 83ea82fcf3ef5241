/* How annotations lie in a scope: one record each, under a prefix for the set and the number of a slot; a set is small, so it is searched from
 * end to end. What was taken away stays as a record without a value for a while, so that it can be told. For this room only. */
#ifndef MODEL_ANNOTATION_RECORD_H
#define MODEL_ANNOTATION_RECORD_H

#include "model/annotation.h"
#include "model/change.h"
#include "model/keys.h"

#define ANNOTATION_GONE_MAX 20u                   /* records without a value in one set */

struct annotation_record {
	bool gone;
	uint64_t modseq;                              /* when it changed last */
	struct str name, value;                       /* slices of the stored value */
};
/* 0, ERR_CORRUPT, ERR_VERSION */
int annotation_record_decode(struct str value, struct annotation_record *out);

/* The record in or behind *at, which becomes its key: 1, 0 at the end of the set, or an error. Begin with at = prefix. */
int annotation_next(struct source s, const struct key *prefix, struct key *at, struct annotation_record *out);

/* Sets one in the set of that prefix. *bytes: names and values, which it keeps up to date and under bytes_max. ERR_QUOTA, or the store's codes. */
int annotation_put(struct store_write *w, const struct key *prefix, const struct annotation *a, uint64_t modseq, uint64_t *bytes, uint64_t bytes_max);

/* Takes all annotations of a mailbox away, without a trace: it goes. */
int annotation_remove_mailbox(struct change *c, uint32_t mailbox);
/* Gives all of them, everybody's, another number; damaged ones stay behind. */
int annotation_move_mailbox(struct change *c, uint32_t from, uint32_t to);
/* Copies all of them, everybody's, to a new mailbox. */
int annotation_copy_mailbox(struct change *c, uint32_t from, uint32_t to);

/* The names and values in the account. *bad_out (may be NULL): the key of a damaged one, with ERR_CORRUPT. */
int annotation_count_bytes(struct source s, uint64_t *out, struct key *bad_out);

#endif
