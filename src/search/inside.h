/* The body of struct search, for this room only.
 *
 * Locks: search.lock (the queue of accounts, the list of open databases, references); opened.lock is held during a question. Who holds an
 * opened.lock may take search.lock, not the other way round. */
#ifndef SEARCH_INSIDE_H
#define SEARCH_INSIDE_H

#include "base/map.h"
#include "search/limits.h"
#include "search/search.h"
#include "search/shelf.h"

#include <pthread.h>
#include <stdatomic.h>

#define SEARCH_PATH_MAX 1100

struct terms {                       /* of one field of a chunk, in memory */
	bool loaded;
	struct str *block;               /* malloc, each too */
	size_t n;
};
struct chunk {
	struct shelf_chunk is;
	uint64_t *emails;
	struct terms field[FIELD_COUNT];
};

/* A database that is open for questions. */
struct opened {
	uint64_t account;
	unsigned refs;                   /* search.lock */
	bool stale;                      /* search.lock: the file was removed; closed with the last reference */
	struct opened *prev, *next;      /* search.lock: those asked last come first */
	pthread_mutex_t lock;            /* what follows */
	bool closed;                     /* as stale, by whoever removes the file: not to be opened again */
	struct shelf *shelf;
	uint64_t made;                   /* shelf_state.made of what follows */
	struct chunk *chunk;             /* ids never come again, so what is here stays right */
	size_t n_chunks;
	size_t bytes;                    /* of terms and emails in memory */
};

struct pending {                     /* an account that something has to be done about */
	uint64_t account;
	uint64_t due_ms;
	bool damaged;                    /* make the index anew */
	bool running, again;
	struct pending *next;            /* in the queue; not while running */
};

struct search {
	struct model *model;
	char *dir, *converter;
	void (*failed)(void *arg, uint64_t account, const struct err *e);
	void *failed_arg;
	_Atomic bool stopping;
	pthread_t thread[THREADS_MAX];
	unsigned n_threads;
	unsigned n_running;              /* of these; under lock */
	pthread_mutex_t lock;
	pthread_cond_t wake;             /* on CLOCK_MONOTONIC */
	struct map *pending;             /* account -> struct pending */
	struct pending *first, *last;
	uint64_t sweep_ms;               /* when all accounts are looked through next */
	struct map *seen;                /* account -> the next email id when it was last up to date; emptied by each sweep */
	struct map *opened;              /* account -> struct opened */
	struct opened *newest, *oldest;
	_Atomic size_t vocabulary_bytes;
};

void search_path(const struct search *s, uint64_t account, char path[SEARCH_PATH_MAX]);
/* search_update; damaged: what is there is thrown away. */
int search_update_damaged(struct search *s, uint64_t account, bool anew, bool damaged, struct err *e);
/* Are there emails from `from` on? *next_out: the id that the next one will have. False also when that cannot be told. */
bool search_has_news(struct search *s, uint64_t account, uint64_t from, uint64_t *next_out);
/* Marks the index for being made anew. */
void search_damaged(struct search *s, uint64_t account);

/* opened.c: with the lock held. ERR_NOT_FOUND when there is no index. */
int opened_take(struct search *s, uint64_t account, struct opened **out);
void opened_give(struct search *s, struct opened **o);
/* Nobody goes on using what is open of it: its file is about to be removed. */
void opened_forget(struct search *s, uint64_t account);
void opened_close_all(struct search *s);
/* Brings the list of chunks up to date; within shelf_begin. */
int opened_refresh(struct search *s, struct opened *o, uint64_t made);
int opened_terms(struct search *s, struct opened *o, struct chunk *c, enum field field, const struct terms **out);

#endif
