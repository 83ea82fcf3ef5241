/* Which folder there becomes which mailbox here. Pure; any thread.
 *
 * By the operator's map first; then by special use: what the server says, else a table of well-known names in several languages; then below a folder that has
 * such a place; else under its own name, in which what a name may not hold here is replaced, and which is another one where the bin has it. */
#ifndef MIGRATE_NAMES_H
#define MIGRATE_NAMES_H

#include "migrate/source.h"
#include "model/model.h"

struct names_map {
	struct str from, to;
};
struct names_rules {
	const struct names_map *map;
	size_t n_map;
	const struct str *only, *exclude;     /* patterns: '*' any characters, '?' one */
	size_t n_only, n_exclude;
};
struct planned {
	const struct source_folder *folder;
	struct str target;                    /* canonical name here */
	uint32_t use;                         /* for the mailbox, should it have to be made */
	const char *skip;                     /* why not; NULL: it is brought over. "": only a level, nothing to tell */
	bool rest;                            /* \All: only what is in no other folder */
	bool renamed;                         /* its own name could not be kept */
};
/* In the order in which they should be done. ours: the mailboxes that are there, the bin among them. 0 or ERR_NO_MEMORY. */
int names_plan(const struct names_rules *rules, bool has_emails, bool is_gmail, const struct source_folder *folders, size_t n, const struct mailbox *ours,
			   size_t n_ours, struct arena *a, struct planned **out, struct err *e);

/* Does the whole name match? In time proportional to both. */
bool names_match(struct str pattern, struct str name);
/* The use that a name of the top level stands for: enum mailbox_use, or 0. *rank_out: lower is better where several stand for one. */
uint32_t names_known_use(struct str name, unsigned *rank_out);
/* A name that is allowed here, from any bytes; true when it had to be changed. Appends. */
bool names_clean(struct str name, struct buf *out);

#endif
