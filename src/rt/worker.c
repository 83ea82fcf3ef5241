/* The worker threads: each waits on the one epoll set, takes one event, and does all there is to do about it. */
#include "rt/server_priv.h"

#include "base/clock.h"
#include "base/signals.h"
#include "rt/fault.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

static void *worker_main(void *arg);

/* ---- how many there are ---- */

/* Signals are for the threads of app/. */
static int start_thread(struct server *s)
{
	struct worker *w = calloc(1, sizeof(*w));
	if (!w || !(w->in = malloc(WORKER_IN))) {
		free(w);
		return ERR_NO_MEMORY;
	}
	w->server = s;
	w->out = (struct buf)BUF_INIT(CONN_OUT_HARD);
	pthread_t thread;
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK);
	signals_all_but_faults(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = fault_hit("rt.thread") ? EAGAIN : pthread_create(&thread, &attr, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r != 0) {
		free(w->in);
		free(w);
		return ERR_NO_MEMORY;
	}
	return 0;
}

/* A new thread counts as idle from the start, so that one gap is filled once. */
static int pool_add(struct server *s)
{
	struct pool *p = &s->pool;
	pthread_mutex_lock(&p->lock);
	bool may = p->count < s->config.workers_max;
	if (may) {
		p->count++;
		atomic_fetch_add(&p->idle, 1);
	}
	atomic_store(&p->full, p->count >= s->config.workers_max);
	pthread_mutex_unlock(&p->lock);
	if (!may)
		return ERR_BUSY;
	int r = start_thread(s);
	atomic_store(&p->retry_ms, r == 0 ? 0 : clock_mono_ms() + WORKER_RETRY_MS);
	if (r == 0)
		return 0;
	pthread_mutex_lock(&p->lock);
	unsigned left = --p->count;
	atomic_fetch_sub(&p->idle, 1);
	atomic_store(&p->full, false);
	pthread_mutex_unlock(&p->lock);
	server_wake_carrier(s);        /* those that are busy may be so for long: it tries again */
	log_event(LOG_WARN, "rt.no_more_threads", LOG_LIST(LOG_U("workers", left)));
	return r;
}

int pool_start(struct server *s, struct err *e)
{
	for (unsigned i = 0; i < s->config.workers_min; i++)
		if (pool_add(s) < 0)
			return err_set(e, ERR_NO_MEMORY, NULL, "no thread can be started");
	return 0;
}

void pool_end(struct server *s)
{
	struct pool *p = &s->pool;
	atomic_store(&s->ending, true);
	ready_poke(&s->ready);
	pthread_mutex_lock(&p->lock);
	while (p->count > 0)
		pthread_cond_wait(&p->changed, &p->lock);
	pthread_mutex_unlock(&p->lock);
	if (p->any_left)
		pthread_join(p->left, NULL);
	p->any_left = false;
}

/* Nobody leaves as the last one that waits for events. */
static bool one_idle_less(struct pool *p)
{
	unsigned idle = atomic_load(&p->idle);
	while (idle > 1)
		if (atomic_compare_exchange_weak(&p->idle, &idle, idle - 1))
			return true;
	return false;
}

/* True: this thread is counted out and must end. Each joins the one that left before it, so that pool_end, which joins the last, returns
 * when all have really ended: with what they keep of their own (OpenSSL's error queues) released. */
static bool pool_leave(struct server *s, bool anyway)
{
	struct pool *p = &s->pool;
	pthread_mutex_lock(&p->lock);
	bool leaves = anyway || (p->count > s->config.workers_min && one_idle_less(p));
	bool follows = p->any_left;
	pthread_t before = p->left;
	if (leaves) {
		p->left = pthread_self();
		p->any_left = true;
		p->count--;
		atomic_store(&p->full, false);
		pthread_cond_broadcast(&p->changed);
	}
	pthread_mutex_unlock(&p->lock);
	if (leaves && follows)
		pthread_join(before, NULL);
	return leaves;
}

/* Whoever becomes busy sees to it that somebody is left to wait for the next event: this one may block for long. */
static void become_busy(struct server *s)
{
	if (atomic_fetch_sub(&s->pool.idle, 1) == 1 && !atomic_load(&s->pool.full) && clock_mono_ms() >= atomic_load(&s->pool.retry_ms))
		pool_add(s);
}

uint64_t pool_mend(struct server *s, uint64_t now_ms)
{
	struct pool *p = &s->pool;
	uint64_t retry = atomic_load(&p->retry_ms);
	if (retry == 0)
		return UINT64_MAX;
	if (now_ms < retry)
		return retry;
	if (atomic_load(&p->idle) == 0 && !atomic_load(&p->full))
		pool_add(s);
	else
		atomic_compare_exchange_strong(&p->retry_ms, &retry, 0);        /* somebody waits again */
	retry = atomic_load(&p->retry_ms);
	return retry > 0 ? retry : UINT64_MAX;
}

static void become_idle(struct server *s) { atomic_fetch_add(&s->pool.idle, 1); }

/* ---- what one does ---- */

static uint32_t news_of(uint32_t events)
{
	uint32_t news = 0;
	if (events & EPOLLIN)
		news |= NEWS_IN;
	if (events & EPOLLOUT)
		news |= NEWS_OUT;
	if (events & EPOLLRDHUP)
		news |= NEWS_END;
	if (events & (EPOLLHUP | EPOLLERR))
		news |= NEWS_HANGUP;
	return news;
}

static void take_event(struct worker *w, const struct epoll_event *event)
{
	struct server *s = w->server;
	uint64_t key = event->data.u64;
	if (key == KEY_READY)
		return;        /* the loop looks into the queue anyway */
	if (key >= KEY_LISTENER && key < KEY_READY) {
		listener_accept(s, s->listeners[key - KEY_LISTENER]);
		return;
	}
	struct conn *c = conn_table_at(&s->table, key_index(key));
	if (c && conn_state_post(&c->state, key_generation(key), news_of(event->events), CONN_RUNNING) == POST_OWNED)
		conn_turn(w, c);
}

/* Queue and sockets in turn. False: nothing came for a while. */
static bool take_work(struct worker *w)
{
	struct server *s = w->server;
	struct epoll_event event;
	struct ready_item *item = ready_pop(&s->ready);
	if (item) {
		become_busy(s);
		item->run(w, item);
		become_idle(s);
	}
	int n = epoll_wait(s->epoll_fd, &event, 1, item || atomic_load(&s->ending) ? 0 : WORKER_IDLE_MS);
	if (n > 0) {
		become_busy(s);
		take_event(w, &event);
		become_idle(s);
	}
	return item || n != 0;
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	struct server *s = w->server;
	bool left = false;
	while (!left) {
		bool worked = take_work(w);
		bool end = atomic_load(&s->ending) && atomic_load(&s->ready.count) == 0;
		if (worked && !end)
			continue;
		if (end)
			ready_poke(&s->ready);        /* for the next one */
		left = pool_leave(s, end);
	}
	/* The server waits for this thread, but for nothing that it does. */
	buf_fini(&w->out);
	deflater_destroy(&w->deflater);
	free(w->in);
	free(w);
	return NULL;
}
