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

/* ---- in reads ---- */

/* ERR_NOT_FOUND. Slices live as long as the read. */
int group_record_read(struct store_read *r, const struct name *n, struct group_record *out);
/* 0, ERR_NOT_FOUND. */
int group_member_find(struct store_read *r, uint64_t id, struct str address, struct group_chunk_entry *out);
/* Visits all members in order until fn returns something other than 0. */
typedef int group_member_visit_fn(void *arg, const struct group_chunk_entry *e);
int group_member_visit(struct store_read *r, uint64_t id, group_member_visit_fn *fn, void *arg);

#endif
