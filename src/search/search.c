#include "search/inside.h"

#include "base/clock.h"
#include "rt/metric.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define NICE 10                                   /* indexing threads give way to all others */

METRIC_GAUGE(waiting, "troika_search_accounts_waiting", "", "Accounts whose index is to be brought up to date.");
METRIC_COUNTER(failures, "troika_search_failures_total", "", "Accounts whose index could not be brought up to date; tried again.");

static struct str account_key(const uint64_t *account) { return str_make(account, sizeof *account); }

void search_path(const struct search *s, uint64_t account, char path[SEARCH_PATH_MAX])
{
	snprintf(path, SEARCH_PATH_MAX, "%s/%llu.db", s->dir, (unsigned long long)account);
}

/* ---- the queue of accounts; under s->lock ---- */

static void enqueue(struct search *s, struct pending *p)
{
	p->next = NULL;
	*(s->last ? &s->last->next : &s->first) = p;
	s->last = p;
	pthread_cond_signal(&s->wake);
}

/* The news of an account that is being worked on are looked at once more when that is done. */
static void note(struct search *s, uint64_t account, uint64_t due_ms, bool damaged)
{
	struct pending *p = map_get(s->pending, account_key(&account));
	if (p) {
		p->damaged |= damaged;
		p->again |= p->running;
		return;
	}
	if (map_count(s->pending) >= PENDING_MAX || !(p = calloc(1, sizeof(*p))))
		return;
	*p = (struct pending){ .account = account, .due_ms = due_ms, .damaged = damaged };
	if (map_put(s->pending, account_key(&account), p))
		free(p);
	else
		enqueue(s, p);
}

void search_hint(struct search *s, uint64_t account)
{
	if (!s || !s->n_threads)
		return;
	pthread_mutex_lock(&s->lock);
	note(s, account, clock_mono_ms() + HINT_DELAY_MS, false);
	pthread_mutex_unlock(&s->lock);
}

void search_damaged(struct search *s, uint64_t account)
{
	if (!s->n_threads)
		return;
	pthread_mutex_lock(&s->lock);
	note(s, account, clock_mono_ms(), true);
	pthread_mutex_unlock(&s->lock);
}

/* ---- the threads ---- */

static void wait_until(struct search *s, uint64_t due_ms)
{
	struct timespec at = { (time_t)(due_ms / 1000), (long)(due_ms % 1000) * 1000000 };
	pthread_cond_timedwait(&s->wake, &s->lock, &at);
}

/* All accounts: what a crash, a lost hint or another process left to do. */
static void sweep(struct search *s)
{
	struct arena arena = ARENA_INIT(0);
	uint64_t *accounts;
	size_t n = 0;
	s->sweep_ms = clock_mono_ms() + SWEEP_SECONDS * UINT64_C(1000);
	map_destroy(&s->seen);
	if (map_create(&s->seen))
		s->seen = NULL;
	pthread_mutex_unlock(&s->lock);
	int r = model_accounts(s->model, &arena, &accounts, &n);
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; !r && i < n; i++)
		note(s, accounts[i], clock_mono_ms(), false);
	arena_fini(&arena);
}

/* The next account whose time has come, taken out; NULL when stopping. Those that are not due yet mostly stand at the end. */
static struct pending *next_due(struct search *s)
{
	while (!s->stopping) {
		uint64_t now = clock_mono_ms(), soonest = s->sweep_ms;
		if (s->sweep_ms <= now) {
			sweep(s);
			continue;
		}
		struct pending *before = NULL;
		for (struct pending *p = s->first; p; before = p, p = p->next) {
			if (p->due_ms > now) {
				soonest = p->due_ms < soonest ? p->due_ms : soonest;
				continue;
			}
			*(before ? &before->next : &s->first) = p->next;
			if (s->last == p)
				s->last = before;
			return p;
		}
		wait_until(s, soonest);
	}
	return NULL;
}

/* Hints come with every login; mostly there is nothing to do, and then no database is opened. */
static int update(struct search *s, struct pending *p, bool damaged, uint64_t seen, uint64_t *next_out)
{
	struct err e = { 0 };
	if (!search_has_news(s, p->account, seen, next_out) && seen && *next_out && !damaged)
		return 0;
	int r = search_update_damaged(s, p->account, damaged, damaged, &e);
	if (r && r != ERR_NOT_FOUND && r != ERR_CLOSED)
		metric_add(&failures, 1);
	if (r && r != ERR_NOT_FOUND && r != ERR_CLOSED && s->failed)
		s->failed(s->failed_arg, p->account, &e);
	return r;
}

/* Under s->lock. */
static void remember(struct search *s, uint64_t account, uint64_t next)
{
	if (s->seen && next && (map_count(s->seen) < PENDING_MAX || map_get(s->seen, account_key(&account))))
		map_put(s->seen, account_key(&account), (void *)(uintptr_t)next);
}

static void *index_loop(void *arg)
{
	struct search *s = arg;
	struct pending *p;
	setpriority(PRIO_PROCESS, 0, NICE);           /* of this thread */
	pthread_mutex_lock(&s->lock);
	while ((p = next_due(s))) {
		bool damaged = p->damaged;
		p->running = true;
		p->again = p->damaged = false;
		uint64_t seen = s->seen ? (uint64_t)(uintptr_t)map_get(s->seen, account_key(&p->account)) : 0, next;
		pthread_mutex_unlock(&s->lock);
		int r = update(s, p, damaged, seen, &next);
		pthread_mutex_lock(&s->lock);
		if (!r && !s->stopping)
			remember(s, p->account, next);
		p->running = false;
		p->damaged |= r == ERR_CORRUPT && !damaged;
		p->due_ms = clock_mono_ms() + (r && !p->damaged ? RETRY_SECONDS * UINT64_C(1000) : HINT_DELAY_MS);
		if (p->again || p->damaged || err_class(r) == ERR_CLASS_TEMPORARY) {
			enqueue(s, p);
			continue;
		}
		map_remove(s->pending, account_key(&p->account));
		free(p);
		metric_set(&waiting, (int64_t)map_count(s->pending));
	}
	s->n_running--;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static int start_threads(struct search *s, unsigned n)
{
	n = n > THREADS_MAX ? THREADS_MAX : n;
	int r = 0;
	pthread_mutex_lock(&s->lock);
	while (s->n_threads < n && r == 0) {
		r = pthread_create(&s->thread[s->n_threads], NULL, index_loop, s) ? ERR_NO_MEMORY : 0;
		/* counted before it runs: who waits for its end may come sooner than its beginning */
		if (r == 0)
			s->n_running++, s->n_threads++;
	}
	pthread_mutex_unlock(&s->lock);
	return r;
}

/* ---- life ---- */

static int make_wake(struct search *s)
{
	pthread_condattr_t attr;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	int r = pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	return r ? ERR_NO_MEMORY : 0;
}

int search_open(struct model *m, const struct search_config *c, struct search **out, struct err *e)
{
	*out = NULL;
	struct search *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ERR_NO_MEMORY, NULL, "search");
	s->model = m;
	s->dir = str_dup_c(c->dir);
	s->converter = str_dup_c(c->converter);
	s->failed = c->failed;
	s->failed_arg = c->failed_arg;
	int r = make_wake(s);
	if (!r && (!s->dir || !s->converter || map_create(&s->pending) || map_create(&s->opened)))
		r = ERR_NO_MEMORY;
	if (!r && c->converter.n && c->converter.p[0] != '/')
		r = err_set(e, ERR_CONFIG, NULL, "the converter must be an absolute path, not %s", s->converter);
	if (!r && c->dir.n > SEARCH_PATH_MAX - 64)
		r = err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", s->dir);
	if (!r)
		r = start_threads(s, c->threads);
	if (r) {
		if (!e || !e->code)
			err_set(e, r, NULL, "search: %s", err_text(r));
		search_close(&s);
	}
	*out = s;
	return r;
}

void search_stop(struct search *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

bool search_wait(struct search *s, uint64_t ms)
{
	if (!s)
		return true;
	uint64_t until = clock_mono_ms() + ms;
	pthread_mutex_lock(&s->lock);
	while (s->n_running > 0 && clock_mono_ms() < until)
		wait_until(s, until);
	bool ended = s->n_running == 0;
	pthread_mutex_unlock(&s->lock);
	return ended;
}

void search_close(struct search **out)
{
	struct search *s = out ? *out : NULL;
	if (!s)
		return;
	search_stop(s);
	for (unsigned i = 0; i < s->n_threads; i++)
		pthread_join(s->thread[i], NULL);
	size_t pos = 0;
	struct str key;
	void *value;
	while (s->pending && map_next(s->pending, &pos, &key, &value))
		free(value);
	map_destroy(&s->pending);
	map_destroy(&s->seen);
	if (s->opened)
		opened_close_all(s);
	map_destroy(&s->opened);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s->dir);
	free(s->converter);
	free(s);
	*out = NULL;
}

/* ---- care ---- */

int search_forget(struct search *s, uint64_t account, struct err *e)
{
	char path[SEARCH_PATH_MAX];
	search_path(s, account, path);
	opened_forget(s, account);
	return shelf_remove(path, e);
}

static uint64_t count_behind(struct account *a, uint64_t known_below)
{
	uint64_t ids[READ_EMAILS_MAX], next = known_below, sum = 0;
	size_t n = READ_EMAILS_MAX;
	while (n == READ_EMAILS_MAX && account_emails(a, next, ids, READ_EMAILS_MAX, &n, &next) == 0)
		sum += n;
	return sum;
}

int search_status(struct search *s, uint64_t account, struct search_status *out, struct err *e)
{
	char path[SEARCH_PATH_MAX];
	struct account *a;
	struct shelf *shelf;
	struct shelf_stats stats = { 0 };
	struct stat st;
	*out = (struct search_status){ 0 };
	int r = account_open(s->model, account, &a);
	if (r)
		return err_set(e, r, NULL, "account %llu: %s", (unsigned long long)account, err_text(r));
	search_path(s, account, path);
	r = shelf_open(path, false, &shelf, e);
	if (!r)
		r = shelf_stats(shelf, &stats);
	shelf_close(&shelf);
	if (r == ERR_NOT_FOUND || r == ERR_VERSION)
		r = 0;
	*out = (struct search_status){ .bytes = stat(path, &st) ? 0 : (uint64_t)st.st_size, .emails = stats.emails, .unread = stats.unread,
	                               .attached = stats.attached, .behind = r ? 0 : count_behind(a, stats.known_below) };
	account_close(&a);
	return r;
}
