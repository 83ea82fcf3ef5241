#include "rt/server.h"

#include "base/clock.h"
#include "rt/log.h"
#include "rt/server_priv.h"
#include "rt/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- making ---- */

static unsigned or_else(unsigned value, unsigned otherwise) { return value > 0 ? value : otherwise; }
static uint64_t or_else_u64(uint64_t value, uint64_t otherwise) { return value > 0 ? value : otherwise; }

static unsigned default_workers(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	return cores > 2 ? (unsigned)cores * 2 : 4;
}

static void fill_config(struct server_config *c)
{
	c->workers_max = or_else(c->workers_max, 256);
	c->workers_min = or_else(c->workers_min, default_workers());
	if (c->workers_min > c->workers_max)
		c->workers_min = c->workers_max;
	c->conns_max = or_else(c->conns_max, 60000);
	c->conns_per_ip = or_else(c->conns_per_ip, 1000);
	c->conns_per_user = or_else(c->conns_per_user, 100);
	c->memory_max = or_else_u64(c->memory_max, (uint64_t)512 << 20);
	c->out_bound = or_else_u64(c->out_bound, (uint64_t)256 << 10);
	if (c->out_bound > CONN_OUT_HARD / 2)
		c->out_bound = CONN_OUT_HARD / 2;
	c->write_timeout_ms = or_else_u64(c->write_timeout_ms, (uint64_t)120 * 1000);
	c->handshake_timeout_ms = or_else_u64(c->handshake_timeout_ms, (uint64_t)30 * 1000);
	c->drain_ms = or_else_u64(c->drain_ms, (uint64_t)10 * 1000);
}

/* Raises the soft limit as far as it is of use: only select(2) minds, and nobody here uses it. */
static void fit_descriptors(struct server_config *c)
{
	struct rlimit limit;
	if (c->conns_max > CONNS_CEILING)
		c->conns_max = CONNS_CEILING;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	rlim_t wanted = (rlim_t)c->conns_max + SERVER_FILES_KEPT;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	/* A low limit is shared half and half with files. */
	rlim_t kept = limit.rlim_cur / 2 < SERVER_FILES_KEPT ? limit.rlim_cur / 2 : SERVER_FILES_KEPT;
	if (limit.rlim_cur - kept < c->conns_max) {
		log_event(LOG_NOTICE, "rt.fewer_connections",
		          LOG_LIST(LOG_U("wanted", c->conns_max), LOG_U("max", limit.rlim_cur - kept), LOG_U("nofile", limit.rlim_cur)));
		c->conns_max = (unsigned)(limit.rlim_cur - kept);
	}
}

static int watch_queue(struct server *s)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.u64 = KEY_READY };
	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->ready.event_fd, &e);
}

static int open_parts(struct server *s)
{
	if (ready_init(&s->ready) < 0)
		return ERR_IO;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->carrier_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (s->epoll_fd < 0 || s->carrier_fd < 0 || s->reserve_fd < 0 || watch_queue(s) < 0)
		return ERR_IO;
	if (conn_table_init(&s->table, s->config.conns_max + CONN_WATCHERS_MAX) < 0)
		return ERR_NO_MEMORY;
	if (admission_init(&s->admission, s->config.conns_per_ip, s->config.conns_per_user) < 0) {
		conn_table_fini(&s->table);
		return ERR_NO_MEMORY;
	}
	return 0;
}

static void close_descriptors(struct server *s)
{
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	if (s->carrier_fd >= 0)
		close(s->carrier_fd);
	if (s->reserve_fd >= 0)
		close(s->reserve_fd);
	if (s->ready.event_fd >= 0)
		ready_fini(&s->ready);
}

int server_create(const struct server_config *c, struct server **out, struct err *e)
{
	*out = NULL;
	struct server *s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(e, ERR_NO_MEMORY, NULL, "server");
	s->config = *c;
	fill_config(&s->config);
	fit_descriptors(&s->config);
	s->epoll_fd = s->carrier_fd = s->reserve_fd = s->ready.event_fd = -1;
	int r = open_parts(s);
	if (r < 0) {
		close_descriptors(s);
		free(s);
		return err_set(e, r, NULL, "server: descriptors or memory are out");
	}
	wheel_init(&s->wheel, clock_mono_ms());
	pthread_mutex_init(&s->pool.lock, NULL);
	pthread_cond_init(&s->pool.changed, NULL);
	pthread_mutex_init(&s->tls_lock, NULL);
	for (unsigned i = 0; i < CONN_VIEW_LOCKS; i++)
		pthread_mutex_init(&s->view_locks[i], NULL);
	server_set_slow(s, c->slow_ms);
	if (metric_on_collect(server_collect, s) < 0)
		log_event(LOG_NOTICE, "rt.no_figures", LOG_NOTHING);
	pthread_mutex_init(&s->reserve_lock, NULL);
	*out = s;
	return 0;
}

void server_destroy(struct server **server)
{
	struct server *s = *server;
	*server = NULL;
	if (!s)
		return;
	metric_off_collect(s);
	for (unsigned i = 0; i < s->listener_count; i++)
		listener_destroy(&s->listeners[i]);
	close_descriptors(s);
	conn_table_fini(&s->table);
	admission_fini(&s->admission);
	wheel_fini(&s->wheel);
	tls_context_unref(&s->tls);
	pthread_mutex_destroy(&s->pool.lock);
	pthread_cond_destroy(&s->pool.changed);
	pthread_mutex_destroy(&s->tls_lock);
	for (unsigned i = 0; i < CONN_VIEW_LOCKS; i++)
		pthread_mutex_destroy(&s->view_locks[i]);
	pthread_mutex_destroy(&s->reserve_lock);
	free(s);
}

int server_listen(struct server *s, const struct listen_spec *spec, uint16_t *port_out, struct err *e)
{
	if (s->listener_count == SERVER_LISTENERS_MAX)
		return err_set(e, ERR_TOO_BIG, NULL, "more than %d listeners", SERVER_LISTENERS_MAX);
	int r = listener_create(spec, s->listener_count, &s->listeners[s->listener_count], port_out, e);
	if (r == 0)
		s->listener_count++;
	return r;
}

static void run_job(struct worker *w, struct ready_item *item)
{
	(void)w;
	struct job *j = (struct job *)((char *)item - offsetof(struct job, ready));
	j->fn(j->arg);
	atomic_store(&j->busy, false);
}

int server_every(struct server *s, uint64_t period_ms, void (*fn)(void *arg), void *arg)
{
	if (s->job_count == SERVER_JOBS_MAX)
		return ERR_TOO_BIG;
	struct job *j = &s->jobs[s->job_count++];
	j->ready.run = run_job;
	j->fn = fn;
	j->arg = arg;
	j->period_ms = period_ms;
	return 0;
}

/* ---- the certificate ---- */

void server_set_tls(struct server *s, struct tls_context *t)
{
	if (t)
		tls_context_ref(t);
	pthread_mutex_lock(&s->tls_lock);
	struct tls_context *old = s->tls;
	s->tls = t;
	atomic_store(&s->has_tls, t != NULL);
	pthread_mutex_unlock(&s->tls_lock);
	tls_context_unref(&old);
}

struct tls_context *server_tls(struct server *s)
{
	pthread_mutex_lock(&s->tls_lock);
	struct tls_context *t = s->tls;
	if (t)
		tls_context_ref(t);
	pthread_mutex_unlock(&s->tls_lock);
	return t;
}

int64_t server_tls_expires(struct server *s)
{
	struct tls_context *t = server_tls(s);
	int64_t when = t ? tls_context_expires(t) : 0;
	tls_context_unref(&t);
	return when;
}

/* ---- news and figures ---- */

bool server_is_stopping(struct server *s) { return atomic_load(&s->stopping); }

void server_set_slow(struct server *s, uint64_t ms) { atomic_store_explicit(&s->slow_ms, ms, memory_order_relaxed); }

void server_wake_carrier(struct server *s)
{
	uint64_t one = 1;
	ssize_t n = write(s->carrier_fd, &one, sizeof(one));
	(void)n;        /* full: it is awake then */
}

void server_post(struct server *s, uint64_t key, uint32_t news)
{
	struct conn *c = conn_table_at(&s->table, key_index(key));
	if (c && conn_state_post(&c->state, key_generation(key), news, CONN_QUEUED) == POST_OWNED)
		ready_push(&s->ready, &c->ready);
}
