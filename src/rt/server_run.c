/* The carrier: the thread that called server_run. It moves the wheel and the jobs on, and sees the server out. */
#include "base/clock.h"
#include "rt/conn_view.h"
#include "rt/log.h"
#include "rt/server_priv.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

static void expire_timers(struct server *s, uint64_t now)
{
	uint64_t key;
	while (wheel_expire(&s->wheel, now, &key))
		server_post(s, key, NEWS_TIMEOUT);
}

/* Queues the jobs that are due; returns when the next one is. */
static uint64_t start_jobs(struct server *s, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	for (unsigned i = 0; i < s->job_count; i++) {
		struct job *j = &s->jobs[i];
		if (now >= j->next_ms) {
			j->next_ms = now + j->period_ms;
			if (!atomic_exchange(&j->busy, true))        /* a slow one is left out, not doubled */
				ready_push(&s->ready, &j->ready);
		}
		if (j->next_ms < next)
			next = j->next_ms;
	}
	return next;
}

static void sleep_until(struct server *s, uint64_t when)
{
	uint64_t now = clock_mono_ms();
	uint64_t left = when > now ? when - now : 0;
	struct pollfd p = { .fd = s->carrier_fd, .events = POLLIN };
	if (poll(&p, 1, left > INT32_MAX ? -1 : (int)left) > 0) {
		uint64_t count;
		ssize_t n = read(s->carrier_fd, &count, sizeof(count));
		(void)n;
	}
}

/* Does what is due, then sleeps until more is, but not beyond `until`. */
static void carry(struct server *s, uint64_t until)
{
	uint64_t now = clock_mono_ms();
	expire_timers(s, now);
	uint64_t job = start_jobs(s, now);
	uint64_t pool = pool_mend(s, now);
	uint64_t wheel = wheel_next(&s->wheel);
	if (job < until)
		until = job;
	if (pool < until)
		until = pool;
	if (wheel < until)
		until = wheel;
	sleep_until(s, until);
}

static int open_listeners(struct server *s, struct err *e)
{
	for (unsigned i = 0; i < s->listener_count; i++) {
		struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.u64 = KEY_LISTENER + i };
		if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->listeners[i]->fd, &event) < 0)
			return err_from_errno(e, errno, "watch listener");
	}
	return 0;
}

static void post_all(struct server *s, uint32_t news)
{
	const struct conn *c;
	for (uint32_t i = 0; (c = conn_table_at(&s->table, i)); i++)
		server_post(s, (uint64_t)conn_state_generation(&c->state) << 32 | i, news);
}

/* Of a connection that a drain waits for. */
static void tell_busy(void *arg, const struct conn_view *v)
{
	(void)arg;
	if (v->command)
		log_event(LOG_NOTICE, "rt.drain_waits_for", LOG_LIST(LOG_U("conn", v->id), LOG_C("proto", v->proto), LOG_C("user", v->user), LOG_C("what", v->command), LOG_U("ms", v->since_ms)));
}

/* Until only those who watch are left, or nobody; says now and then what it waits for. */
static void carry_until_empty(struct server *s, bool watchers_too, uint64_t until)
{
	uint64_t began = clock_mono_ms(), told = began;
	while (atomic_load(watchers_too ? &s->conns : &s->working) > 0 && clock_mono_ms() < until) {
		uint64_t next = told + DRAIN_TELL_MS;
		carry(s, next < until ? next : until);
		if (clock_mono_ms() < next)
			continue;
		told = clock_mono_ms();
		log_event(LOG_NOTICE, "rt.drain_waits", LOG_LIST(LOG_U("conns", atomic_load(&s->conns)), LOG_U("ms", told - began)));
		server_each_conn(s, tell_busy, NULL);
	}
}

static void stop_listeners(struct server *s, bool watching)
{
	for (unsigned i = 0; i < s->listener_count; i++)
		if (s->listeners[i]->watches == watching)
			listener_stop(s->listeners[i]);
}

static void drain(struct server *s)
{
	uint64_t left = atomic_load(&s->working);
	log_event(LOG_NOTICE, "rt.drain", LOG_LIST(LOG_U("conns", left), LOG_U("ms", s->config.drain_ms)));
	stop_listeners(s, false);
	post_all(s, NEWS_DRAIN);
	carry_until_empty(s, false, clock_mono_ms() + s->config.drain_ms);
	left = atomic_load(&s->working);
	if (left > 0)
		log_event(LOG_WARN, "rt.drain_late", LOG_LIST(LOG_U("conns", left)));
	atomic_store(&s->stopping_all, true);
	stop_listeners(s, true);
	post_all(s, NEWS_KILL);
	carry_until_empty(s, true, UINT64_MAX);        /* a command under way cannot be cut off */
}

/* No job is queued or runs any more when this returns. */
static void await_jobs(struct server *s)
{
	uint64_t began = clock_mono_ms(), told = began;
	for (unsigned i = 0; i < s->job_count; i++) {
		while (atomic_load(&s->jobs[i].busy)) {
			poll(NULL, 0, 1);
			if (clock_mono_ms() - told < DRAIN_TELL_MS)
				continue;
			told = clock_mono_ms();
			log_event(LOG_NOTICE, "rt.drain_waits", LOG_LIST(LOG_C("for", "a periodic job"), LOG_U("every_ms", s->jobs[i].period_ms), LOG_U("ms", told - began)));
		}
	}
}

int server_run(struct server *s, struct err *e)
{
	int r = pool_start(s, e);
	if (r == 0)
		r = open_listeners(s, e);
	for (unsigned i = 0; i < s->job_count; i++)
		s->jobs[i].next_ms = clock_mono_ms() + s->jobs[i].period_ms;
	while (r == 0 && !atomic_load(&s->stopping))
		carry(s, UINT64_MAX);
	atomic_store(&s->stopping, true);
	drain(s);
	await_jobs(s);
	pool_end(s);
	return r;
}

/* An atomic store and write(2): both allowed in a signal handler (signal-safety(7)). */
void server_stop(struct server *s)
{
	int before = errno;
	atomic_store(&s->stopping, true);
	server_wake_carrier(s);
	errno = before;
}
