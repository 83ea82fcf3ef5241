#include "base/bytes.h"
#include "model/change.h"
#include "model/limits.h"
#include "model/model_private.h"
#include "model/purge.h"
#include "model/state.h"

#define ACCOUNT_KEY 8u
static struct str make_key(char key[ACCOUNT_KEY], uint64_t id)
{
	store_le64(key, id);
	return str_make(key, ACCOUNT_KEY);
}

/* ---- under model->lock ---- */

static void idle_add(struct model *m, struct account *a)
{
	a->idle_prev = m->idle_last;
	a->idle_next = NULL;
	*(m->idle_last ? &m->idle_last->idle_next : &m->idle_first) = a;
	m->idle_last = a;
	m->idle_count++;
}

static void idle_remove(struct model *m, struct account *a)
{
	*(a->idle_prev ? &a->idle_prev->idle_next : &m->idle_first) = a->idle_next;
	*(a->idle_next ? &a->idle_next->idle_prev : &m->idle_last) = a->idle_prev;
	m->idle_count--;
}

static void destroy(struct account *a)
{
	pthread_mutex_destroy(&a->load_lock);
	pthread_mutex_destroy(&a->watch_lock);
	pthread_mutex_destroy(&a->watchers_lock);
	free(a);
}

static void drop_idle(struct model *m, size_t keep)
{
	for (struct account *a = m->idle_first, *next; a && m->idle_count > keep; a = next) {
		char key[ACCOUNT_KEY];
		next = a->idle_next;
		idle_remove(m, a);
		map_remove(m->accounts, make_key(key, a->id));
		destroy(a);
	}
}

static struct account *create(struct model *m, uint64_t id)
{
	char key[ACCOUNT_KEY];
	struct account *a = calloc(1, sizeof(*a));
	if (!a || map_put(m->accounts, make_key(key, id), a)) {
		free(a);
		return NULL;
	}
	a->model = m;
	a->id = id;
	pthread_mutex_init(&a->load_lock, NULL);
	pthread_mutex_init(&a->watch_lock, NULL);
	pthread_mutex_init(&a->watchers_lock, NULL);
	return a;
}

/* ---- */

void accounts_drop_idle(struct model *m, size_t keep)
{
	pthread_mutex_lock(&m->lock);
	drop_idle(m, keep);
	pthread_mutex_unlock(&m->lock);
}

int account_open(struct model *m, uint64_t id, struct account **out)
{
	*out = NULL;
	/* Asked each time: another process may have deleted it. */
	struct state state;
	int rc = account_state(m, id, &state);
	if (rc)
		return rc;
	char key[ACCOUNT_KEY];
	pthread_mutex_lock(&m->lock);
	struct account *a = map_get(m->accounts, make_key(key, id));
	if (!a)
		a = create(m, id);
	else if (a->refs == 0)
		idle_remove(m, a);
	bool first = a && a->refs == 0;
	if (a)
		a->refs++;
	pthread_mutex_unlock(&m->lock);
	if (!a)
		return ERR_NO_MEMORY;
	/* What an expunge left to do when the program was ended. If this fails, it is left to the next one. */
	if (first && state.grave_pages)
		purge_graves(m, id);
	*out = a;
	return 0;
}

void account_close(struct account **a)
{
	if (!a || !*a)
		return;
	struct model *m = (*a)->model;
	pthread_mutex_lock(&m->lock);
	if (--(*a)->refs == 0) {
		idle_add(m, *a);
		drop_idle(m, ACCOUNTS_IDLE_MAX);
	}
	pthread_mutex_unlock(&m->lock);
	*a = NULL;
}

uint64_t account_id(const struct account *a) { return a->id; }

uint64_t account_version(struct account *a) { return store_scope_version(a->model->store, account_scope(a->id)); }

int account_lock_maildrop(struct account *a)
{
	bool expected = false;
	return atomic_compare_exchange_strong(&a->maildrop_locked, &expected, true) ? 0 : ERR_BUSY;
}

void account_unlock_maildrop(struct account *a) { atomic_store(&a->maildrop_locked, false); }

int64_t account_touch_login(struct account *a, int64_t now)
{
	pthread_mutex_lock(&a->model->lock);
	int64_t last = a->last_login;
	a->last_login = now;
	pthread_mutex_unlock(&a->model->lock);
	return last;
}
