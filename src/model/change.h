/* One change of an account: a closure in one store commit that takes the next modseq and leaves one log record. All
 * that changes an account goes through here; it also settles commits whose fate the engine cannot tell.
 * Threads: commit_run from any; a struct change belongs to the closure. */
#ifndef MODEL_CHANGE_H
#define MODEL_CHANGE_H

#include "base/buf.h"
#include "model/changelog.h"
#include "model/state.h"
#include "store/store.h"

struct model;

/* What is to become of deleted mail: bin.h. */
struct change_keep {
	bool on;                                      /* the store's level allows it, too */
	uint64_t bytes;                               /* the bin's ceiling, without regard to the quota */
	unsigned quota_percent;
};

struct change {
	struct store_write *w;
	struct state state;
	uint64_t modseq;                              /* of this change */
	int64_t now;                                  /* unix seconds, for what a change notes */
	struct buf log;                               /* for changelog_add and its sisters */
	bool dirty;                                   /* state must be saved even if nothing is logged */
	struct change_keep keep;
	unsigned keywords_lost;                       /* of deleted messages: the bin had no room for them */
	uint32_t heir_of;                             /* mailbox whose access list new ones at the top begin with; 0: none */
};

/* As store_commit_fn: perhaps run more than once, sets its results anew, no effect outside. Without any log section and
 * not dirty nothing is written. */
typedef int change_fn(struct change *c, void *arg);

struct commit {
	uint64_t account;
	change_fn *fn;
	void *arg;
	uint64_t modseq;                              /* out: the change's; 0 when nothing was logged */
	int result;                                   /* out */
	bool creates;                                 /* fn runs also when there is no (live) account */
	bool mends;                                   /* fn runs also when the state is damaged; it must put it right */
	unsigned keywords_lost;                       /* private */
	struct model *model;                          /* private */
	uint64_t nonce;                               /* private */
};

/* 0, what fn returned, ERR_NOT_FOUND (no such account), or the store's codes. ERR_UNKNOWN only when it could not be
 * settled. */
int commit_run(struct model *m, uint64_t account, change_fn *fn, void *arg, uint64_t *modseq_out /* may be NULL */);
/* Many at once, sharing syncs; each stands alone. The first result that is not 0, or 0. */
int commit_run_all(struct model *m, struct commit *commits, size_t n);

static inline struct source change_source(const struct change *c) { return source_write(c->w); }

#endif
