/* The folders of one account, parted among its connections: who has which, what is done, and the lock of all that they share. Private to migrate/.
 *
 * One lock for the whole engine of an account: it is let go only while a server is waited for (source_share), while somebody rests, and while somebody waits
 * here. So the steps of a pass know nothing of each other's threads, and connections help with what a far server takes long for. */
#ifndef MIGRATE_TOUR_H
#define MIGRATE_TOUR_H

#include "migrate/limits.h"
#include "migrate/pass.h"

#include <pthread.h>

/* A folder. */
struct leg {
	bool done, taken;
	unsigned losses;                  /* connections that broke in it, or could not bring all of it */
	uint64_t fresh;                   /* messages that this run brought */
	struct rangeset failed;
	struct lookout lookout;
};
/* A connection, in a thread of its own but for the first. */
struct walker {
	struct run run;
	pthread_t thread;
	bool first;
	bool was_in;                      /* the server has let it in once */
};
struct tour {
	pthread_mutex_t lock;
	pthread_cond_t changed;           /* a folder was released, a turn ended, or all of it */
	struct arena arena;
	struct planned *plan;             /* NULL until the first connection has looked around */
	struct leg *legs;
	size_t n;
	bool turn_taken;
	bool over;                        /* with result and why: what ends the account */
	int result;
	struct err why;
	struct walker others[MIGRATE_CONNECTIONS_MAX - 1];
	unsigned n_others;
	bool called;
};

void tour_init(struct tour *t);
void tour_fini(struct tour *t);

/* All others: with the lock held. */

/* The next folder that nobody has. \All waits until all others are done, and one where connections broke until those are where fewer did: what a server cannot show
 * keeps nothing else from coming. false: nothing is left, or it is to end. */
bool tour_claim(struct tour *t, const struct run *run, size_t *i_out);
void tour_release(struct tour *t, size_t i, bool done);
bool tour_is_done(const struct tour *t);
/* Everybody is to stop. The first reason counts. */
void tour_end(struct tour *t, int result, const struct err *why);
/* Starts further connections, once, as many as there are folders for. */
void tour_call_others(struct tour *t, const struct walker *first, void *(*walk)(void *walker));
/* Without the lock. */
void tour_await_others(struct tour *t);

#endif
