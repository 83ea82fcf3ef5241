/* What the files about groups share. For this room only. */
#ifndef DIRECTORY_GROUP_INSIDE_H
#define DIRECTORY_GROUP_INSIDE_H

#include "directory/group_record.h"
#include "directory/inside.h"

/* ---- in commits ---- */

/* The group's record, as slices of keep (which is emptied first). ERR_NOT_FOUND. */
int group_record_load(struct store_write *w, const struct name *n, struct buf *keep, struct group_record *out);
int group_record_save(struct store_write *w, const struct name *n, const struct group_record *r);

enum member_edit { MEMBER_PUT, MEMBER_REMOVE, MEMBER_DISABLE };
/* Puts a member in (enabled), takes it out or disables it; keeps the counts of r true, which the caller saves. 1: changed; 0: it was so before; an
 * error. */
int group_member_edit(struct store_write *w, struct group_record *r, struct str address, enum member_edit edit);

/* Notes in which groups the members are, and forgets it: the index that directory_identifiers reads. */
int group_membership_put(struct store_write *w, const struct name *group, uint64_t id, struct str address);
int group_membership_del(struct store_write *w, uint64_t id, struct str address);
/* Forgets all of a group's. Before its chunks go. */
int group_membership_del_all(struct store_write *w, uint64_t id);
/* Makes the index where an older program has made groups without it; once for each store. */
int group_membership_build(struct directory *d);

/* ---- in reads ---- */

/* ERR_NOT_FOUND. Slices live as long as the read. */
int group_record_read(struct store_read *r, const struct name *n, struct group_record *out);
/* 0, ERR_NOT_FOUND. */
int group_member_find(struct store_read *r, uint64_t id, struct str address, struct group_chunk_entry *out);
/* Visits all members in order until fn returns something other than 0. */
typedef int group_member_visit_fn(void *arg, const struct group_chunk_entry *e);
int group_member_visit(struct store_read *r, uint64_t id, group_member_visit_fn *fn, void *arg);

#endif
