/* The bodies of struct model and struct account, for this room only. */
#ifndef MODEL_MODEL_PRIVATE_H
#define MODEL_MODEL_PRIVATE_H

#include "base/map.h"
#include "model/model.h"
#include "model/view_cache.h"

#include <pthread.h>
#include <stdatomic.h>

struct model {
	struct store *store;
	_Atomic uint64_t nonce;                       /* see commit: unlike any other process's */
	atomic_uint quota_grace_percent;
	_Atomic int64_t keep_seconds;                 /* bin.h, struct keep */
	_Atomic uint64_t keep_bytes;
	atomic_uint keep_quota_percent;
	struct view_cache *views;
	void (*on_emails)(void *arg, uint64_t account);
	void *on_emails_arg;
	pthread_mutex_t across_lock;                  /* rank 0: who shares bodies between accounts (copy_across.c) */
	pthread_mutex_t lock;                         /* rank 2: accounts, the idle list, refs and logins of accounts */
	struct map *accounts;                         /* id -> struct account */
	struct account *idle_first, *idle_last;       /* closed ones, longest ago first */
	size_t idle_count;
};

struct account_watch;
struct account {
	struct model *model;
	uint64_t id;
	unsigned refs;                                /* model->lock */
	struct account *idle_prev, *idle_next;        /* model->lock */
	int64_t last_login;                           /* model->lock */
	atomic_bool maildrop_locked;
	pthread_mutex_t load_lock;                    /* rank 1: one thread reads views; held during store reads */
	pthread_mutex_t watch_lock;                   /* rank 1: held during store_watch and store_unwatch */
	pthread_mutex_t watchers_lock;                /* rank 3: the list below; held while callbacks run */
	struct account_watch *watchers;
	struct store_watch *store_watch;              /* while there are watchers */
};

static inline struct store_scope account_scope(uint64_t id) { return (struct store_scope){ STORE_ACCOUNT, id }; }
static inline store_tag account_tag(uint64_t id) { return store_tag_of(account_scope(id)); }

/* Frees the accounts that nobody holds until at most `keep` of them are left. */
void accounts_drop_idle(struct model *m, size_t keep);
struct state;
int account_state(struct model *m, uint64_t account, struct state *out);

/* Runs fn on a snapshot of the account's scope, again when it went stale. fn sets its results anew each time. */
typedef int read_fn(struct store_read *r, void *arg);
int scope_read(struct model *m, struct store_scope scope, read_fn *fn, void *arg);
static inline int account_read(struct model *m, uint64_t account, read_fn *fn, void *arg)
{
	return scope_read(m, account_scope(account), fn, arg);
}

#endif
