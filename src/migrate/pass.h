/* One account on its way, and one folder of it: what the files of the engine share. Private to migrate/. */
#ifndef MIGRATE_PASS_H
#define MIGRATE_PASS_H

#include "base/rangeset.h"
#include "migrate/account.h"
#include "migrate/match.h"
#include "migrate/state.h"

/* Messages of a folder that may be why connections break. */
struct lookout {
	unsigned careful;                 /* so many are asked for one by one */
	uint32_t alone_uid;               /* the one that was asked for alone when a connection broke */
	unsigned alone_losses;
};

/* An account, as one of its connections sees it. Whoever works with it holds the engine's lock (tour.h), but for the calls of the source. */
struct run {
	const struct migrate_options *o;
	struct migrate_job *job;
	struct tour *tour;
	struct report *report;            /* of the folder at hand */
	struct account *account;
	struct state *state;
	struct source *source;
	struct map *emails;               /* hash of an email's identifier -> where it lies: run_place */
	uint64_t progress;                /* grows with all that is done; to tell a connection that helps from one that does not */
	uint64_t fresh;                   /* messages of the folder at hand that an earlier connection of this run brought */
	struct lookout *lookout;          /* of the folder at hand */
};

/* A message there. */
struct found {
	uint32_t uid;
	bool has_flags, has_date;
	uint64_t flags;                   /* as in struct note */
	uint64_t size, email;
	int64_t date;
};

/* A folder. */
struct pass {
	struct run *run;
	const struct planned *plan;
	struct rangeset *failed;          /* UIDs that are not asked for again in this run */
	struct state_folder *sf;          /* NULL: dry run, and never seen */
	struct source_entered entered;
	struct found *v;                  /* ascending by uid */
	size_t n, cap;
	bool full;                        /* v is all there is; else some that are new */
	size_t hidden;                    /* so many messages the server counts and does not tell of, though asked for all */
	struct match *match;              /* NULL until bring */
	uint32_t temporary_uid;           /* dry run: the last number given to a message that has only a text for a name */
};

/* For tests: the fault migrate.kill ends the process here, where something is done and not yet noted. account.c */
void pass_crash_point(void);

/* It was asked to end, or another connection has met what ends the account. tour.c */
bool pass_is_ended(const struct run *run);
/* Where an email may lie in several folders one connection at a time brings messages, so that each is fetched once. tour.c */
void pass_take_turn(struct run *run);
void pass_end_turn(struct run *run);

/* ---- where emails lie (emails.c) ---- */
uint64_t emails_hash(struct str id);                                      /* never 0 */
int emails_load(struct run *run);                                         /* all that the state knows */
int emails_put(struct run *run, uint64_t email, const struct state_folder *f, uint32_t ours);
bool emails_get(const struct run *run, uint64_t email, struct state_folder **f_out, uint32_t *ours_out);
void emails_drop(struct run *run, uint64_t email, const struct state_folder *f, uint32_t ours);     /* if it is said to lie there */

/* ---- steps of a pass; 0 or an error that ends the pass ---- */
int pass_scan(struct pass *p, struct err *e);              /* scan.c: fills v; applies changes of flags found on the way */
int pass_flags(struct pass *p, struct err *e);             /* flags.c: of messages that are known */
int pass_set_flags(struct pass *p, const struct rangeset *ours, enum flags_op op, uint64_t flags, struct err *e);
int pass_remove(struct pass *p, struct err *e);            /* remove.c: what vanished there; v is full */
int pass_copy(struct pass *p, struct err *e);              /* copy.c: messages whose email lies here already */
int pass_bring(struct pass *p, struct err *e);             /* bring.c: all others */
bool pass_is_pending(const struct pass *p, const struct found *f);       /* neither known nor given up */

/* Keyword names of the folder by bits of flags, for the model. n at most KEYWORDS_MAX. */
size_t pass_keywords(const struct state_folder *sf, uint64_t flags, struct str names[KEYWORDS_MAX]);

/* The whole of it: folder.c. ERR_CONFLICT: the server refuses the folder. */
int pass_folder(struct run *run, const struct planned *plan, struct rangeset *failed, struct err *e);
/* A folder that is not there any more: its messages go. remove.c */
int pass_vanished(struct run *run, struct state_folder *sf, struct err *e);

#endif
