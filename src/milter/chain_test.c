/* Chains over a filter that lives in this process: what sessions share, and what threads do to it. Everything that filters say is tested with real
 * ones (tests/milter/). */
#include "milter/chain.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "milter/limits.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/* ---- a filter: continues, but refuses senders that begin with "reject"; adds a field to every message ---- */

struct filter {
	int fd;
	uint16_t port;
	pthread_t thread;
	atomic_uint negotiations, sessions;
};
struct talker {
	struct filter *filter;
	int fd;
};

static bool take(int fd, char *p, size_t n)
{
	while (n) {
		ssize_t got = read(fd, p, n);
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

static void give(int fd, const char *data, size_t n)
{
	char packet[128];

	store_be32(packet, (uint32_t)n);
	memcpy(packet + 4, data, n);
	if (write(fd, packet, n + 4) != (ssize_t)n + 4)
		shutdown(fd, SHUT_RDWR);
}
#define GIVE(fd, literal) give((fd), literal, sizeof(literal) - 1)

static void answer(const struct talker *t, const char *data)
{
	switch (data[0]) {
	case MILTER_CMD_OPTIONS:
		atomic_fetch_add(&t->filter->negotiations, 1);
		GIVE(t->fd, "O\0\0\0\6\0\0\0\1\0\0\0\0");
		break;
	case MILTER_CMD_CONNECT:
		atomic_fetch_add(&t->filter->sessions, 1);
		GIVE(t->fd, "c");
		break;
	case MILTER_CMD_MAIL:
		if (!strncmp(data + 1, "<reject", 7))
			GIVE(t->fd, "r");
		else
			GIVE(t->fd, "c");
		break;
	case MILTER_CMD_EOM:
		GIVE(t->fd, "hX-Seen\0yes\0");
		GIVE(t->fd, "c");
		break;
	case MILTER_CMD_MACRO:
	case MILTER_CMD_ABORT:
	case MILTER_CMD_QUIT_NC:
	case MILTER_CMD_QUIT:
		break;
	default:
		GIVE(t->fd, "c");
	}
}

static void *talk(void *arg)
{
	struct talker t = *(struct talker *)arg;
	char *data = malloc(MILTER_PACKET_MAX), length[4];

	free(arg);
	while (data && take(t.fd, length, 4) && load_be32(length) <= MILTER_PACKET_MAX && take(t.fd, data, load_be32(length)))
		answer(&t, data);
	close(t.fd);
	free(data);
	return NULL;
}

static void *listen_on(void *arg)
{
	struct filter *f = arg;
	int fd;

	while ((fd = accept(f->fd, NULL, NULL)) >= 0) {
		struct talker *t = malloc(sizeof *t);
		pthread_t thread;
		if (!t)
			abort();
		*t = (struct talker){ f, fd };
		if (pthread_create(&thread, NULL, talk, t))
			abort();
		pthread_detach(thread);
	}
	return NULL;
}

/* A port of its own, where nobody listens: connections are refused. */
static void filter_bind(struct filter *f)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;

	f->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(f->fd >= 0 && bind(f->fd, (struct sockaddr *)&a, n) == 0);
	assert_int_equal(getsockname(f->fd, (struct sockaddr *)&a, &n), 0);
	f->port = ntohs(a.sin_port);
}

static void filter_start(struct filter *f)
{
	filter_bind(f);
	assert_int_equal(listen(f->fd, 100), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, listen_on, f), 0);
}

static void filter_stop(struct filter *f)
{
	shutdown(f->fd, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->fd);
}

/* ---- sessions ---- */

static struct str no_macros(void *ctx, struct str name) { return (void)ctx, (void)name, STR_NONE; }
static void report(void *ctx, const struct milter_filter *f, const char *problem)
{
	(void)f, (void)problem;
	atomic_fetch_add((atomic_uint *)ctx, 1);
}

/* One session with one message; the number of fields that it has gained, or a negative number when something went wrong. */
static int session(struct milter_filters *filters, const char *sender, atomic_uint *problems)
{
	const struct milter_macros x = { no_macros, NULL };
	struct milter_chain *c;
	struct milter_result r;
	struct arena a = ARENA_INIT(0);
	struct milter_message m;
	struct milter_changes changes;
	int fields = -1;

	if (milter_chain_create(filters, report, problems, &c))
		return -2;
	milter_chain_connect(c, &x, STR("[192.0.2.1]"), NULL, &r);
	milter_chain_helo(c, &x, STR("client"), &r);
	milter_chain_mail(c, &x, str_from_c(sender), NULL, 0, &r);
	milter_changes_init(&changes, &a, 1000);
	if (r.answer.verdict == MILTER_CONTINUE && milter_message_parse(&a, STR_NONE, STR("A: 1\r\n\r\nbody\r\n"), &m) == 0) {
		milter_chain_rcpt(c, &x, STR("b@y"), NULL, 0, false, &r);
		milter_chain_message(c, &x, &m, &changes, &r);
		for (const struct milter_field *f = m.first; f; f = f->next)
			fields++;
		milter_message_fini(&m);
	}
	milter_changes_fini(&changes);
	arena_fini(&a);
	milter_chain_destroy(&c);
	return fields;
}

static struct milter_filters *filters_of(const char *line)
{
	struct str lines[] = { str_from_c(line), str_from_c(line) };
	struct milter_filters *f;

	assert_int_equal(milter_filters_create(lines, 2, &f, NULL), 0);
	return f;
}

static void test_sessions(void **state)
{
	struct filter f = { .fd = -1 };
	char line[80];
	atomic_uint problems = 0;

	(void)state;
	filter_start(&f);
	snprintf(line, sizeof line, "inet:127.0.0.1:%u", f.port);
	struct milter_filters *filters = filters_of(line);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(session(filters, "a@x", &problems), 2);
	assert_int_equal(session(filters, "reject@x", &problems), -1);
	assert_int_equal(atomic_load(&f.negotiations), 8);
	milter_filters_unref(&filters);
	/* with reuse a conversation serves one session after the other */
	snprintf(line, sizeof line, "inet:127.0.0.1:%u reuse=yes", f.port);
	filters = filters_of(line);
	atomic_store(&f.negotiations, 0);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(session(filters, "a@x", &problems), 2);
	assert_int_equal(atomic_load(&f.negotiations), 2);
	milter_filters_unref(&filters);
	assert_int_equal(atomic_load(&problems), 0);
	filter_stop(&f);
}

/* Nobody there: told once, and others do not try for a while. */
static void test_nobody(void **state)
{
	struct filter f = { .fd = -1 };
	char line[80];
	atomic_uint problems = 0;

	(void)state;
	filter_bind(&f);
	snprintf(line, sizeof line, "inet:127.0.0.1:%u fail=accept", f.port);
	struct milter_filters *filters = filters_of(line);
	uint64_t began = clock_mono_ms();
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(session(filters, "a@x", &problems), 0);
	assert_in_range(atomic_load(&problems), 2, 2 * (1 + (clock_mono_ms() - began) / MILTER_REST_MS));       /* two filters */
	milter_filters_unref(&filters);
	close(f.fd);
}

#define THREADS 4
#define ROUNDS 50

struct worker {
	struct milter_filters *filters;
	unsigned wrong;
	atomic_uint problems;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	for (unsigned i = 0; i < ROUNDS; i++)
		w->wrong += session(w->filters, i % 3 ? "a@x" : "reject@x", &w->problems) != (i % 3 ? 2 : -1);
	milter_filters_unref(&w->filters);
	return NULL;
}

static void test_threads(void **state)
{
	struct filter f = { .fd = -1 };
	struct worker workers[THREADS] = { 0 };
	pthread_t threads[THREADS];
	char line[80];

	(void)state;
	filter_start(&f);
	snprintf(line, sizeof line, "inet:127.0.0.1:%u reuse=yes", f.port);
	struct milter_filters *filters = filters_of(line);
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].filters = milter_filters_ref(filters);
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	milter_filters_unref(&filters);          /* the last session gives them back */
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(workers[i].wrong, 0);
		assert_int_equal(atomic_load(&workers[i].problems), 0);
	}
	assert_true(atomic_load(&f.negotiations) <= 2 * THREADS);
	assert_int_equal(atomic_load(&f.sessions), 2 * THREADS * ROUNDS);
	filter_stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sessions), cmocka_unit_test(test_nobody), cmocka_unit_test(test_threads) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
