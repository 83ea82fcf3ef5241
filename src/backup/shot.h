/* The pairs of all scopes at one moment, as runs in the repository: what a run begins with, so that its accounts fit each other. Bodies follow when the moment is
 * over; the runs do not wait for them. One thread.
 *
 * A read of the whole store is held meanwhile, and the index grows by what others change. Beyond a bound (time, growth), also within a scope, it is given up: that scope and those
 * that are left must be taken each at a moment of its own. */
#ifndef BACKUP_SHOT_H
#define BACKUP_SHOT_H

#include "backup/dump.h"
#include "backup/known.h"

struct shot_scope {
	struct store_scope scope;
	uint64_t version, messages, damaged, unread;
	const struct moment_scope *same;      /* nothing has changed since, and all of it is there: the rest is empty. NULL: it was taken */
	bool later;                           /* it could not be read at that moment: neither */
	struct chunk_list runs;
	struct buf unread_keys;               /* as dump.h */
	struct buf blobs;                     /* ascending, as varints of the differences */
};
struct shot {
	struct shot_scope *v;                 /* queue, accounts, directory */
	size_t n, cap;
	uint64_t *accounts;                   /* of that moment, or those that were asked for */
	size_t n_accounts, n_looked_at;       /* of them, the first so many are in v, or were not there */
	bool whole;                           /* nothing is left */
	uint64_t bytes;                       /* of pairs */
	uint64_t ms, growth;                  /* the read was held for so long, and the index grew by so much meanwhile */
};
struct shot_wish {
	struct store *store;
	struct repository *repository;
	const struct known *known;
	struct pace *pace;
	bool everything;                      /* the queue and all accounts; otherwise these: */
	const uint64_t *accounts;
	size_t n_accounts;
	uint64_t ms_max, growth_max;          /* 0: SHOT_MS_MAX, SHOT_GROWTH_MAX */
	void (*progress)(void *arg, uint64_t done, uint64_t all);      /* accounts */
	void *arg;
};
/* fini in any case. */
int shot_take(const struct shot_wish *wish, struct shot *out);
void shot_fini(struct shot *s);
/* The bodies that a scope names, each once. 0 or ERR_NO_MEMORY; the caller frees v. */
int shot_blobs(const struct shot_scope *s, struct blob_ids *out);

#endif
