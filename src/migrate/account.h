/* Brings one account over: all its folders, again and again until that is done or hopeless. Resumes where an earlier run was ended, however that was.
 * Threads: one for each connection, any number of accounts at once. */
#ifndef MIGRATE_ACCOUNT_H
#define MIGRATE_ACCOUNT_H

#include "migrate/names.h"
#include "migrate/report.h"
#include "migrate/source.h"

struct migrate_options {
	const char *dir;                      /* the data directory */
	struct model *model;
	struct names_rules rules;
	bool dry_run;                         /* says what it would do, and changes nothing */
	bool remove;                          /* what vanished there goes here too */
	bool ignore_quota;
	unsigned connections;                 /* of an account at a time, at least 1: folders are parted among them */
	unsigned retries;                     /* connections in a row that bring nothing */
	uint64_t backoff_ms;                  /* 0: MIGRATE_BACKOFF_MS */
	const _Atomic bool *cancel;           /* ends within a moment; all that was brought over is noted */
	struct live *live;
};
struct migrate_job {
	struct source_setup setup;
	struct str source;                    /* identity of the account there, for the state */
	uint64_t account;                     /* id of the account here */
	struct report report;                 /* out; initialised by the caller */
};
/* 0: all that could be brought over is here; the report tells what could not. ERR_CLOSED with *cancel: it was asked to end. Else the error that ended it:
 * ERR_DENIED (login, TLS), ERR_QUOTA, ERR_BUSY (another import), ERR_NO_SPACE ... */
int migrate_account(const struct migrate_options *o, struct migrate_job *job, struct err *e);

#endif
