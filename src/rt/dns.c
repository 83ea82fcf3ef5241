/* The resolver. libunbound works in one thread of its own for all questions (ub_ctx_async); another one here takes its answers
 * and wakes whoever asked. Its blocking call would build a resolver for each call and has no time limit. */
#include "rt/dns.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/signals.h"
#include "rt/dns_answer.h"
#include "rt/dns_name.h"
#include "rt/limits.h"
#include "rt/log.h"
#include "rt/metric.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

#define CLASS_IN 1

struct dns {
	struct ub_ctx *ub;
	uint64_t timeout_ms;
	pthread_t answers;
	bool has_answers;            /* the thread was started */
	int stop;                    /* eventfd */
	_Atomic bool broken;         /* the library's pipe: no answer will ever come */
	_Atomic uint64_t questions, temporary, bogus, timeouts;
};
struct question {                    /* on the stack of the thread that asks */
	pthread_mutex_t lock;
	pthread_cond_t done_cond;
	bool done;
	int failed;                  /* enum ub_ctx_err */
	struct ub_result *result;
};

/* ---- one question ---- */

static void on_answer(void *arg, int failed, struct ub_result *result)
{
	struct question *q = arg;
	pthread_mutex_lock(&q->lock);
	q->failed = failed;
	q->result = result;
	q->done = true;
	pthread_cond_signal(&q->done_cond);
	pthread_mutex_unlock(&q->lock);
}

static void question_init(struct question *q)
{
	pthread_condattr_t monotonic;
	memset(q, 0, sizeof(*q));
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&q->done_cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static void question_fini(struct question *q)
{
	ub_resolve_free(q->result);
	pthread_cond_destroy(&q->done_cond);
	pthread_mutex_destroy(&q->lock);
}

/* False when the time is over. until: clock_mono_ms; 0: without limit. */
static bool question_wait(struct question *q, uint64_t until)
{
	struct timespec limit = { .tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000 };
	int r = 0;
	pthread_mutex_lock(&q->lock);
	while (!q->done && r == 0)
		r = until ? pthread_cond_timedwait(&q->done_cond, &q->lock, &limit) : pthread_cond_wait(&q->done_cond, &q->lock);
	bool done = q->done;
	pthread_mutex_unlock(&q->lock);
	return done;
}

/* Asks and waits. NULL: q->result is there; else why not. */
static const char *question_ask(struct dns *d, struct question *q, const char *name, int type, uint64_t timeout_ms)
{
	int id = 0;
	if (atomic_load(&d->broken))
		return "resolver broken";
	int r = ub_resolve_async(d->ub, name, type, CLASS_IN, q, on_answer, &id);
	bool done = r == 0 && question_wait(q, clock_mono_ms() + timeout_ms);
	/* What cannot be cancelled any more is on its way to on_answer. Cancelled work goes on in the library and fills its cache. */
	if (!done && (r == 0 || r == UB_PIPE) && ub_cancel(d->ub, id) != 0)
		done = question_wait(q, 0);
	if (!done && r == 0)
		atomic_fetch_add(&d->timeouts, 1);
	if (!done)
		return r ? ub_strerror(r) : "timeout";
	return q->result ? NULL : ub_strerror(q->failed);
}

/* ---- its answer ---- */

static const char *rcode_text(int rcode)
{
	switch (rcode) {
	case 1: return "FORMERR";
	case 2: return "SERVFAIL";
	case 4: return "NOTIMP";
	case 5: return "REFUSED";
	default: return "unexpected response code";
	}
}

static enum dns_status status_of(const struct ub_result *r)
{
	if (r->bogus)
		return DNS_BOGUS;
	if (r->nxdomain)
		return DNS_NXDOMAIN;
	if (r->rcode != 0)
		return DNS_TEMPORARY;
	return r->havedata ? DNS_OK : DNS_NODATA;
}

static int take_records(struct arena *a, enum dns_type type, const struct ub_result *r, struct dns_answer *out)
{
	size_t n = 0;
	while (n < DNS_RECORDS_MAX && r->data[n])
		n++;
	struct dns_record *records = arena_array(a, n, sizeof(*records));
	if (!records)
		return ERR_NO_MEMORY;
	out->records = records;
	for (size_t i = 0; i < n; i++) {
		struct dns_record *record = &records[out->n];
		record->ttl = r->ttl > 0 ? (uint32_t)r->ttl : 0;
		int parsed = dns_record_parse(a, type, str_make(r->data[i], r->len[i] > 0 ? (size_t)r->len[i] : 0), record);
		if (parsed == ERR_NO_MEMORY)
			return parsed;
		out->n += parsed == 0;
	}
	if (out->n > 0)
		return 0;
	out->status = DNS_TEMPORARY;
	out->secure = false;
	out->why = "malformed records";
	return 0;
}

static int take_result(struct arena *a, enum dns_type type, const struct ub_result *r, struct dns_answer *out)
{
	struct str canonical = str_from_c(r->canonname);
	out->status = status_of(r);
	out->secure = r->secure != 0 && out->status <= DNS_NXDOMAIN;
	if (canonical.n > 0)
		out->canonical = arena_dup(a, str_sub(canonical, 0, canonical.n - str_ends(canonical, STR("."))));
	if (out->status == DNS_BOGUS)
		out->why = arena_dup_c(a, r->why_bogus ? str_from_c(r->why_bogus) : STR("validation failed"));
	if (out->status == DNS_TEMPORARY)
		out->why = rcode_text(r->rcode);
	if (a->failed)
		return ERR_NO_MEMORY;
	return out->status == DNS_OK ? take_records(a, type, r, out) : 0;
}

#define ANSWERS "troika_rt_dns_answers_total"
#define ANSWERS_HELP "Questions to the DNS by answer; temporary: no answer for now; bogus: DNSSEC says that it is forged."
METRIC_COUNTER(answers_ok, ANSWERS, "status=\"ok\"", ANSWERS_HELP);
METRIC_COUNTER(answers_none, ANSWERS, "status=\"no such record\"", ANSWERS_HELP);
METRIC_COUNTER(answers_temporary, ANSWERS, "status=\"temporary\"", ANSWERS_HELP);
METRIC_COUNTER(answers_bogus, ANSWERS, "status=\"bogus\"", ANSWERS_HELP);
METRIC_SECONDS(answer_seconds, "troika_rt_dns_seconds", "", "Time until the DNS answered, the cache too.");

static void count_answer(const struct dns_answer *a, struct str name, uint64_t began_us)
{
	metric_time(&answer_seconds, clock_mono_us() - began_us);
	metric_add(a->status == DNS_OK ? &answers_ok : a->status == DNS_TEMPORARY ? &answers_temporary : a->status == DNS_BOGUS ? &answers_bogus : &answers_none, 1);
	if (a->status == DNS_BOGUS)
		log_event(LOG_INFO, "rt.dns-bogus", LOG_LIST(LOG_S("name", name)));
}

static int dns_ask(void *ctx, struct arena *a, struct str name, enum dns_type type, struct dns_answer *out)
{
	struct dns *d = ctx;
	struct question q;
	struct buf text = BUF_INIT(0);
	*out = (struct dns_answer){ .status = DNS_TEMPORARY, .canonical = arena_dup(a, name) };
	if (!dns_name_is_valid(name))
		return ERR_INVALID;
	dns_name_escape(name, &text);
	buf_add_char(&text, '\0');
	if (text.failed || !out->canonical.p) {
		buf_fini(&text);
		return ERR_NO_MEMORY;
	}
	question_init(&q);
	uint64_t began = clock_mono_us();
	out->why = question_ask(d, &q, text.p, (int)type, d->timeout_ms);
	int r = out->why ? 0 : take_result(a, type, q.result, out);
	question_fini(&q);
	buf_fini(&text);
	count_answer(out, name, began);
	atomic_fetch_add(&d->questions, 1);
	atomic_fetch_add(&d->temporary, out->status == DNS_TEMPORARY);
	atomic_fetch_add(&d->bogus, out->status == DNS_BOGUS);
	return r;
}

struct dns_source dns_source(struct dns *d) { return (struct dns_source){ dns_ask, d }; }

void dns_stats(struct dns *d, struct dns_stats *out)
{
	*out = (struct dns_stats){ atomic_load(&d->questions), atomic_load(&d->temporary), atomic_load(&d->bogus), atomic_load(&d->timeouts) };
}

/* ---- the thread that takes answers ---- */

static void *take_answers(void *arg)
{
	struct dns *d = arg;
	struct pollfd fds[2] = { { .fd = ub_fd(d->ub), .events = POLLIN }, { .fd = d->stop, .events = POLLIN } };
	while (!atomic_load(&d->broken)) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			return NULL;
		if (fds[0].revents && ub_process(d->ub) != 0)
			break;
	}
	atomic_store(&d->broken, true);
	return NULL;
}

/* ---- setting up ---- */

static int fail(struct err *e, int ub_code, const char *what, const char *which)
{
	return err_set(e, ub_code == UB_NOMEM ? ERR_NO_MEMORY : ERR_CONFIG, NULL, "DNS resolver: %s %s: %s", what, which, ub_strerror(ub_code));
}

/* Asks the routing table; nothing is sent. */
static bool has_route(int family)
{
	static const struct in6_addr root6 = { { { 0x20, 0x01, 0x05, 0x03, 0xba, 0x3e, [13] = 2, [15] = 0x30 } } };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(53), .sin_addr = { htonl(0xc6290004) } };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr = root6 };
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	int r = family == AF_INET ? connect(fd, (const struct sockaddr *)&v4, sizeof(v4)) : connect(fd, (const struct sockaddr *)&v6, sizeof(v6));
	close(fd);
	return r == 0;
}

static int set_options(struct dns *d, const struct dns_config *c, struct err *e)
{
	unsigned mb = c->cache_mb ? c->cache_mb : DNS_CACHE_MB;
	char size[16], half[16];
	/* unbound.conf(5): the record cache should be twice the message cache */
	snprintf(size, sizeof(size), "%uk", mb * 2048 / 3);
	snprintf(half, sizeof(half), "%uk", mb * 1024 / 3);
	const struct { const char *name, *value; } options[] = {
		{ "rrset-cache-size:", size }, { "msg-cache-size:", half },
		{ "outgoing-range:", DNS_PORTS }, { "num-queries-per-thread:", DNS_PORTS }, { "outgoing-num-tcp:", DNS_TCP_MAX },
		{ "edns-buffer-size:", "1232" },              /* DNS flag day 2020: no fragments */
		{ "unblock-lan-zones:", c->servers ? "yes" : "no" },   /* who runs the forwarder knows the names of his own network */
		{ "insecure-lan-zones:", c->servers ? "yes" : "no" },
		{ "prefer-ip4:", !has_route(AF_INET6) && has_route(AF_INET) ? "yes" : "no" },
		{ "prefer-ip6:", !has_route(AF_INET) && has_route(AF_INET6) ? "yes" : "no" },
	};
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		int r = ub_ctx_set_option(d->ub, options[i].name, options[i].value);
		if (r)
			return fail(e, r, options[i].name, options[i].value);
	}
	int r = c->stub_hints ? ub_ctx_set_option(d->ub, "root-hints:", c->stub_hints) : 0;
	return r ? fail(e, r, "root hints", c->stub_hints) : 0;
}

static int set_servers(struct dns *d, const char *servers, struct err *e)
{
	struct str one, rest = str_trim(str_from_c(servers));
	for (unsigned n = 0; rest.n > 0; n++) {
		char text[NET_TEXT_MAX + sizeof("@65535")];
		str_cut(rest, ' ', &one, &rest);
		rest = str_trim(rest);
		if (n == DNS_SERVERS_MAX || !str_copy_c(text, sizeof(text), one))
			return err_set(e, ERR_CONFIG, NULL, "DNS servers: too many, or no address: %.*s", STR_ARG(one));
		int r = ub_ctx_set_fwd(d->ub, text);
		if (r)
			return fail(e, r, "server", text);
	}
	return 0;
}

static int set_anchor(struct dns *d, const char *file, struct err *e)
{
	static const char *const usual[] = { "/usr/share/dns/root.key", "/var/lib/unbound/root.key", "/etc/unbound/root.key" };
	if (file && *file == '\0')
		return 0;
	for (size_t i = 0; !file && i < sizeof(usual) / sizeof(usual[0]); i++)
		if (access(usual[i], R_OK) == 0)
			file = usual[i];
	if (!file)
		return err_set(e, ERR_CONFIG, NULL, "DNS: no trust anchor: %s is missing (package dns-root-data)", usual[0]);
	if (access(file, R_OK) != 0)
		return err_from_errno(e, errno, "DNS: trust anchor %s", file);
	int r = ub_ctx_add_ta_file(d->ub, file);
	return r ? fail(e, r, "trust anchor", file) : 0;
}

/* Starts both threads. The library reads its settings and starts its own with the first question; "localhost" it answers itself. */
static int start(struct dns *d, struct err *e)
{
	struct question q;
	sigset_t all, before;
	signals_all_but_faults(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	d->has_answers = pthread_create(&d->answers, NULL, take_answers, d) == 0;
	question_init(&q);
	const char *why = d->has_answers ? question_ask(d, &q, "localhost", DNS_A, DNS_TIMEOUT_MS) : "no thread";
	question_fini(&q);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return why ? err_set(e, ERR_CONFIG, NULL, "DNS resolver does not start: %s", why) : 0;
}

int dns_open(const struct dns_config *c, struct dns **out, struct err *e)
{
	*out = NULL;
	struct dns *d = calloc(1, sizeof(*d));
	if (!d)
		return err_set(e, ERR_NO_MEMORY, NULL, "DNS resolver");
	d->timeout_ms = c->timeout_ms ? c->timeout_ms : DNS_TIMEOUT_MS;
	d->stop = eventfd(0, EFD_CLOEXEC);
	d->ub = ub_ctx_create();
	int r = 0;
	if (!d->ub || d->stop < 0 || ub_ctx_debugout(d->ub, NULL) != 0 || ub_ctx_async(d->ub, 1) != 0)
		r = err_set(e, ERR_NO_MEMORY, NULL, "DNS resolver");
	if (r == 0)
		r = set_options(d, c, e);
	if (r == 0)
		r = set_servers(d, c->servers, e);
	if (r == 0)
		r = set_anchor(d, c->trust_anchor, e);
	if (r == 0)
		r = start(d, e);
	if (r < 0)
		dns_close(&d);
	*out = d;
	return r;
}

void dns_close(struct dns **d)
{
	struct dns *gone = *d;
	*d = NULL;
	if (!gone)
		return;
	if (gone->has_answers) {
		eventfd_write(gone->stop, 1);
		pthread_join(gone->answers, NULL);
	}
	ub_ctx_delete(gone->ub);
	if (gone->stop >= 0)
		close(gone->stop);
	free(gone);
}
