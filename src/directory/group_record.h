/* Keys and values of groups in the store's system scope: doc/format/directory.md in code. Pure; any thread. For this room only. */
#ifndef DIRECTORY_GROUP_RECORD_H
#define DIRECTORY_GROUP_RECORD_H

#include "directory/group.h"
#include "directory/record.h"

#define SINGLE_GROUP STR("group")                /* le64: the last group id given out */
#define GROUP_CHUNK_MAX ((size_t)1900)           /* bytes of a chunk of members: what fits a page with others */
#define GROUP_STATUS_MAX ((size_t)100)           /* bytes of a bounce's words */

struct key group_key(const struct name *n);
/* "G" id NUL address: the chunk whose first member that is (of the first chunk: the empty address). */
struct key group_members_key(uint64_t id, struct str address);
/* "B" id NUL address: what came back from a member. */
struct key group_bounce_key(uint64_t id, struct str address);

/* "M" address NUL be64 id: in which groups an address is, the members' chunks the other way round. Without an id: the prefix of one address. */
struct key membership_key_of(struct str address);
struct key membership_key(struct str address, uint64_t id);
void membership_record_format(const struct name *group, struct buf *b);
/* 0, ERR_CORRUPT, ERR_VERSION. group: a slice of the value. */
int membership_record_parse(struct str key, struct str value, uint64_t *id_out, struct str *group_out);

struct group_record {
	uint64_t id, members, disabled;
	uint64_t size_max;
	unsigned bounces_max, bounce_days;
	enum group_post post;
	bool reply_to_list, no_headers, no_verp, rewrite_from;
	struct str description;
	struct text_list owners, senders;
};
/* 0, ERR_CORRUPT, ERR_VERSION. Slices of the value. */
int group_record_parse(struct str value, struct group_record *out);
void group_record_format(const struct group_record *r, struct buf *b);

/* One chunk of members, in order of address. */
struct group_chunk_entry {
	struct str address;
	bool disabled;
};
/* 0, ERR_CORRUPT, ERR_VERSION. An empty value is an empty chunk. */
int group_chunk_open(struct str value, struct cursor *out);
/* 1 and an entry, 0 at the end, ERR_CORRUPT. */
int group_chunk_next(struct cursor *c, struct group_chunk_entry *out);
void group_chunk_add(struct buf *b, const struct group_chunk_entry *e);          /* after record_begin */

struct bounce_record {
	unsigned count;                              /* days with a bounce */
	int64_t last;
	struct str status;
};
int bounce_record_parse(struct str value, struct bounce_record *out);
void bounce_record_format(const struct bounce_record *r, struct buf *b);

#endif
