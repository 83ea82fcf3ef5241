/* A backup run: everything of a data directory, or some users', into a repository, while the server goes on. doc/admin/backup.md, doc/design/0006-backup.md.
 *
 * All scopes (accounts, the queue, the directory) are taken as they are at one moment: their pairs first, in one read of the store (shot.h), then the bodies that these name,
 * which are held meanwhile (store_hold). If something acknowledged is in it, all that was acknowledged before that was asked for is in it too. Where that cannot be,
 * as the index would grow too much, the rest follows as it is later, each scope at a moment of its own; then `later` tells how many. What was acknowledged before the run began is in it in any
 * case. One thread. */
#ifndef BACKUP_RUN_H
#define BACKUP_RUN_H

#include "backup/moment.h"
#include "model/model.h"

struct backup_report {
	char id[SNAPSHOT_ID_MAX];             /* the snapshot's */
	uint64_t accounts, same;              /* taken anew; not changed since the last run */
	uint64_t messages, bytes;             /* in the snapshot: emails and queued messages, octets of them */
	uint64_t bodies_read, bytes_read;     /* by this run */
	uint64_t bytes_new;                   /* that the repository grew by */
	uint64_t later;                       /* scopes that are not of the common moment */
	uint64_t shot_ms, shot_growth;        /* the read of all was held for so long; octets that the index grew by meanwhile */
	uint64_t yields, yielded_ms;          /* how often, and how long, it gave way to commits that took long */
	uint64_t again;                       /* accounts that were taken again, because bodies went meanwhile */
	uint64_t lost;                        /* bodies that could not be read */
	uint64_t unread;                      /* records of the directory that could not */
	uint64_t faults;                      /* lines told */
};
struct backup_run {
	const char *dir;                      /* the data directory */
	struct store *store;
	struct model *model;
	struct repository *repository;        /* open for writing */
	struct str set;                       /* empty: everything; else the users' names, sorted, one space between */
	const uint64_t *accounts;             /* theirs */
	size_t n_accounts;
	uint64_t rate;                        /* as struct pace */
	uint64_t shot_ms_max, growth_max;     /* 0: SHOT_MS_MAX, SHOT_GROWTH_MAX */
	bool before_restore;                  /* as in struct moment */
	bool lower;                           /* the process takes the least priority, for good, once the common moment is taken: the longer that lasts the more the index grows */
	void (*progress)(void *arg, uint64_t messages, uint64_t done, uint64_t all);     /* may be NULL; accounts done of all */
	void (*tell)(void *arg, const char *line);                                       /* what could not be taken; may be NULL */
	void *arg;
};
int backup_run(const struct backup_run *b, struct backup_report *out, struct err *e);

#endif
