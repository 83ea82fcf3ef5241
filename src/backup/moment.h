/* What a snapshot's bytes say: which scopes of a store there were at a moment, and where in the repository each is. Its layout is in doc/format/backup.md,
 * "Snapshots of Troika". Pure; any thread. */
#ifndef BACKUP_MOMENT_H
#define BACKUP_MOMENT_H

#include "backup/chunk_list.h"
#include "base/arena.h"
#include "store/store.h"

#define MOMENT_TOKEN 16

struct moment_scope {
	struct store_scope scope;
	uint64_t version;                     /* the scope's, as it was taken; 0: only a part of it was, by a run that did not end */
	uint64_t messages, bytes;             /* emails, or messages that waited; of their bodies */
	uint64_t lost;                        /* bodies that could not be read; of the directory: records */
	struct chunk_id holding;              /* holding.h */
};
struct moment {
	uint8_t token[MOMENT_TOKEN];          /* random: marks.h */
	int64_t began, ended;                 /* unix seconds */
	unsigned level;                       /* of the store */
	struct str set;                       /* empty: everything; else the users' names, one space between */
	bool one;                             /* all scopes are of one moment; otherwise each is as it was at a moment of its own */
	bool before_restore;                  /* of an account that was to be put back: not what somebody wants who asks for the newest */
	bool has_files;
	struct chunk_id files;                /* files.h */
	struct moment_scope *scopes;          /* ascending by kind and id */
	size_t n;
};

void moment_encode(const struct moment *m, struct buf *b);
/* What comes out lies in the arena. 0, ERR_CORRUPT, ERR_VERSION, ERR_NO_MEMORY. */
int moment_decode(struct str bytes, struct arena *a, struct moment *out);
/* NULL when it is not in it. */
const struct moment_scope *moment_find(const struct moment *m, struct store_scope scope);
int moment_scope_cmp(struct store_scope a, struct store_scope b);

/* What a scope holds: one chunk that lists chunks. */
struct holding {
	struct chunk_list runs;               /* its pairs, in order: pairs.h */
	struct chunk_list tables;             /* where its bodies are: bodies.h */
};
void holding_encode(const struct holding *h, struct buf *b);
int holding_decode(struct str bytes, struct holding *out);       /* 0, ERR_CORRUPT, ERR_VERSION, ERR_NO_MEMORY; fini in any case */
void holding_fini(struct holding *h);

#endif
