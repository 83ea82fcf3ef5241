/* Records of older shapes, written anew in the newest one. They mean the same: no modseq is taken, no view changes. Nobody has to do it, since every
 * shape is read; it makes mailboxes from before smaller and lets a later program forget the old shapes. Any thread, beside everything else; interrupted, it
 * is begun again and finds what is left. */
#ifndef MODEL_UPGRADE_H
#define MODEL_UPGRADE_H

#include "model/model.h"

struct upgrade_count {
	uint64_t old, all;                /* records of the kinds that have had several shapes */
	uint64_t damaged;                 /* cannot be read, and are left alone: troika check */
};
/* Counts. */
int model_upgrade_count(struct model *m, uint64_t account, struct upgrade_count *out);
/* Does it, in bounded commits; *done_out records written anew. step is called between commits with what was done so far; may be NULL; not 0 ends it and
 * is returned. */
int model_upgrade(struct model *m, uint64_t account, int (*step)(void *arg, uint64_t done), void *arg, uint64_t *done_out);

#endif
