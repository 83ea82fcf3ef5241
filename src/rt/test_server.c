#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/test_server.h"

#include "base/base64.h"
#include "base/hash.h"
#include "base/num.h"

#include <unistd.h>

struct session {
	struct test_server *t;
	_Atomic int running;
	size_t any_left, any_total;
	uint32_t crc;
	uint64_t seen_news;
	bool subscribed, resting;
};

/* ---- the protocol ---- */

static void want_lines(struct conn *c) { conn_want_line(c, 1000); }

static void reply_size(struct conn *c, struct str arg, bool large)
{
	uint64_t n = 0;
	num_parse_u64(arg, &n);
	char *block = malloc(n + 1);
	memset(block, 'x', n + 1);
	if (large)
		conn_write_large(c, block, n);
	else
		conn_write(c, block, n);
	free(block);
	conn_write_lit(c, "done\r\n");
}

static void reply_burst(struct conn *c, struct str arg)
{
	uint64_t n = 0;
	num_parse_u64(arg, &n);
	for (; n > 0; n--)
		conn_write_lit(c, "x");
	conn_write_lit(c, "done\r\n");
}

static void subscribe(struct conn *c, struct session *s)
{
	pthread_mutex_lock(&s->t->lock);
	s->subscribed = s->t->subscriber_count < 64;
	if (s->subscribed) {
		conn_ref(c);
		s->t->subscribers[s->t->subscriber_count++] = c;
	}
	s->seen_news = atomic_load(&s->t->news);
	pthread_mutex_unlock(&s->t->lock);
	conn_write_lit(c, "ok\r\n");
}

static void unsubscribe(struct conn *c, struct session *s)
{
	pthread_mutex_lock(&s->t->lock);
	for (size_t i = 0; i < s->t->subscriber_count; i++) {
		if (s->t->subscribers[i] != c)
			continue;
		s->t->subscribers[i] = s->t->subscribers[--s->t->subscriber_count];
		conn_unref(c);
		break;
	}
	pthread_mutex_unlock(&s->t->lock);
}

void test_publish(struct test_server *t)
{
	pthread_mutex_lock(&t->lock);
	atomic_fetch_add(&t->news, 1);
	for (size_t i = 0; i < t->subscriber_count; i++)
		conn_wake(t->subscribers[i]);
	pthread_mutex_unlock(&t->lock);
}

void test_let_go(struct test_server *t) { atomic_store(&t->let_go, true); }

void test_wait_busy(struct test_server *t, unsigned workers)
{
	struct server_stats stats;
	for (unsigned i = 0; i < PATIENCE_S * 100; i++) {
		server_stats(t->server, &stats);
		if (stats.workers_busy >= workers)
			return;
		usleep(10000);
	}
	fail_msg("%u workers are not at work", workers);
}

static void reply_bindings(struct conn *c)
{
	struct buf exporter = BUF_INIT(0), end_point = BUF_INIT(0);
	conn_tls_exporter(c, &exporter);
	conn_tls_end_point(c, &end_point);
	hex_encode(conn_out(c), buf_str(&exporter));
	conn_write_lit(c, " ");
	hex_encode(conn_out(c), buf_str(&end_point));
	conn_write_lit(c, "\r\n");
	buf_fini(&exporter);
	buf_fini(&end_point);
}

METRIC_SECONDS(worked, "troika_test_work_seconds", "", "The command work.");

static void hold(struct conn *c, struct session *s)
{
	conn_note(c, "working");
	conn_command_begin(c, "HOLD");
	while (!atomic_load(&s->t->let_go))
		usleep(1000);
	conn_command_end(c, &worked, LOG_LIST(LOG_C("detail", "here")));
	conn_write_lit(c, "held\r\n");
}

static void begin_any(struct conn *c, struct session *s, struct str arg)
{
	uint64_t n = 0;
	num_parse_u64(arg, &n);
	s->any_left = s->any_total = n;
	s->crc = 0;
	conn_want_any(c);
}

static enum conn_next command(struct conn *c, struct session *s, struct str line)
{
	struct str verb, arg;
	uint64_t n = 0;
	str_cut(line, ' ', &verb, &arg);
	num_parse_u64(arg, &n);
	if (str_eq(verb, STR("echo"))) {
		conn_printf(c, "%.*s\r\n", STR_ARG(arg));
	} else if (str_eq(verb, STR("any"))) {
		begin_any(c, s, arg);
	} else if (str_eq(verb, STR("write")) || str_eq(verb, STR("large"))) {
		reply_size(c, arg, verb.p[0] == 'l');
	} else if (str_eq(verb, STR("burst"))) {
		reply_burst(c, arg);
	} else if (str_eq(verb, STR("timeout"))) {
		conn_set_timeout(c, n);
	} else if (str_eq(verb, STR("nothing"))) {
		conn_want_nothing(c);
		conn_set_timeout(c, n);
		s->resting = true;
	} else if (str_eq(verb, STR("max"))) {
		conn_want_line(c, n);
	} else if (str_eq(verb, STR("user"))) {
		conn_write_str(c, conn_set_user(c, arg) == 0 ? STR("ok\r\n") : STR("busy\r\n"));
	} else if (str_eq(verb, STR("who"))) {
		conn_printf(c, "%.*s %u %.*s %u\r\n", STR_ARG(conn_peer_ip(c)), conn_peer_port(c), STR_ARG(conn_local_ip(c)), conn_local_port(c));
	} else if (str_eq(verb, STR("tls"))) {
		conn_printf(c, "%.*s %.*s %.*s\r\n", STR_ARG(conn_tls_version(c)), STR_ARG(conn_tls_cipher(c)), STR_ARG(conn_tls_sni(c)));
	} else if (str_eq(verb, STR("bind"))) {
		reply_bindings(c);
	} else if (str_eq(verb, STR("starttls"))) {
		conn_write_str(c, conn_start_tls(c) == 0 ? STR("go\r\n") : STR("no\r\n"));
	} else if (str_eq(verb, STR("compress"))) {
		conn_write_str(c, conn_start_compress(c) == 0 ? STR("go\r\n") : STR("no\r\n"));
	} else if (str_eq(verb, STR("plain"))) {
		conn_end_compress(c);
		conn_write_lit(c, "plain\r\n");
	} else if (str_eq(verb, STR("subscribe"))) {
		subscribe(c, s);
	} else if (str_eq(verb, STR("sleep"))) {
		usleep((useconds_t)n * 1000);
	} else if (str_eq(verb, STR("work"))) {
		conn_note(c, "working");
		conn_command_begin(c, "WORK");
		usleep((useconds_t)n * 1000);
		conn_command_end(c, &worked, LOG_LIST(LOG_C("detail", "here")));
		conn_write_lit(c, "worked\r\n");
	} else if (str_eq(verb, STR("hold"))) {
		hold(c, s);
	} else if (str_eq(verb, STR("quit"))) {
		conn_write_lit(c, "bye\r\n");
		return CONN_CLOSE;
	} else {
		conn_write_lit(c, "what\r\n");
	}
	return CONN_PARK;
}

static enum conn_next take_input(struct conn *c, struct session *s)
{
	struct str bytes;
	bool bare;
	if (s->any_left > 0) {
		if (!conn_take_any(c, s->any_left, &bytes))
			return CONN_PARK;
		s->crc = hash_crc32c(s->crc, bytes.p, bytes.n);
		s->any_left -= bytes.n;
		if (s->any_left == 0) {
			conn_printf(c, "got %zu %08x\r\n", s->any_total, s->crc);
			want_lines(c);
		}
		return CONN_PARK;
	}
	int r = conn_take_line(c, &bytes, &bare);
	if (r == ERR_TOO_BIG)
		conn_printf(c, "toobig %zu\r\n", bytes.n);
	else if (r == 1 && bare)
		conn_write_lit(c, "bare\r\n");
	return r == 1 ? command(c, s, bytes) : CONN_PARK;
}

static enum conn_next handle(struct conn *c, struct session *s, enum conn_event event)
{
	uint64_t news;
	switch (event) {
	case CONN_OPEN:
		conn_write_lit(c, "hello\r\n");
		want_lines(c);
		break;
	case CONN_INPUT: return take_input(c, s);
	case CONN_WAKE:
		news = atomic_load(&s->t->news);
		if (s->subscribed && news != s->seen_news)
			conn_printf(c, "news %llu\r\n", (unsigned long long)news);
		s->seen_news = news;
		break;
	case CONN_TIMEOUT:
		conn_write_str(c, s->resting ? STR("rested\r\n") : STR("timeout\r\n"));
		s->resting = false;
		conn_set_timeout(c, 0);
		want_lines(c);
		break;
	case CONN_TLS: conn_write_lit(c, "secure\r\n"); break;
	case CONN_DRAIN:
		conn_write_lit(c, "going\r\n");
		return CONN_CLOSE;
	}
	return CONN_PARK;
}

static enum conn_next run(struct conn *c, void *session, void *ctx, enum conn_event event)
{
	struct session *s = session;
	s->t = ctx;
	if (event == CONN_OPEN)
		atomic_fetch_add(&s->t->opened, 1);
	if (atomic_exchange(&s->running, 1) != 0)
		atomic_fetch_add(&s->t->running_twice, 1);
	enum conn_next next = handle(c, s, event);
	atomic_store(&s->running, 0);
	return next;
}

static void fini(struct conn *c, void *session, void *ctx)
{
	struct session *s = session;
	struct test_server *t = ctx;
	if (s->subscribed)
		unsubscribe(c, s);
	atomic_fetch_add(&t->closed, 1);
}

static const struct conn_proto test_proto = { .name = "test", .session_size = sizeof(struct session), .run = run, .fini = fini };

/* ---- the server ---- */

static void *carry(void *arg)
{
	struct test_server *t = arg;
	struct err e;
	t->result = server_run(t->server, &e);
	return NULL;
}

static uint16_t listen_on(struct test_server *t, bool tls_first, const struct str *proxy_from)
{
	struct err e;
	uint16_t port = 0;
	struct listen_spec spec = { .proto = &test_proto, .ctx = t, .address = "127.0.0.1", .tls_first = tls_first, .proxy_from = proxy_from,
		                    .n_proxy_from = proxy_from ? 1 : 0 };
	assert_int_equal(server_listen(t->server, &spec, &port, &e), 0);
	return port;
}

static void listen_to_watch(struct test_server *t)
{
	char address[sizeof(t->watch_path) + 8];
	struct err e;
	uint16_t port = 1;
	snprintf(t->watch_path, sizeof(t->watch_path), "/tmp/troika-test-%d.sock", (int)getpid());
	snprintf(address, sizeof(address), "unix:%s", t->watch_path);
	struct listen_spec spec = { .proto = &test_proto, .ctx = t, .address = address, .watches = true };
	assert_int_equal(server_listen(t->server, &spec, &port, &e), 0);
	assert_int_equal(port, 0);
}

void test_server_start(struct test_server *t, const struct server_config *config, const struct tls_options *tls)
{
	static const struct str loopback = STR_INIT("127.0.0.0/8");
	struct server_config c = config ? *config : (struct server_config){ 0 };
	struct err e;
	memset(t, 0, sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
	uint64_t *times[] = { &c.write_timeout_ms, &c.handshake_timeout_ms, &c.drain_ms };
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		*times[i] = *times[i] ? *times[i] : 10000ull * PATIENCE_S;
	assert_int_equal(server_create(&c, &t->server, &e), 0);
	t->port = listen_on(t, false, NULL);
	t->proxy_port = listen_on(t, false, &loopback);
	if (c.slow_ms)        /* tests of what is seen */
		listen_to_watch(t);
	if (tls) {
		struct tls_context *context;
		assert_int_equal(tls_context_create(tls, &context, &e), 0);
		server_set_tls(t->server, context);
		tls_context_unref(&context);
		t->tls_port = listen_on(t, true, NULL);
		t->tls_proxy_port = listen_on(t, true, &loopback);
	}
	assert_int_equal(pthread_create(&t->thread, NULL, carry, t), 0);
}

void test_server_stop(struct test_server *t)
{
	server_stop(t->server);
	pthread_join(t->thread, NULL);
	assert_int_equal(t->result, 0);
	assert_int_equal(atomic_load(&t->running_twice), 0);
	assert_int_equal(atomic_load(&t->opened), atomic_load(&t->closed));
	struct server_stats stats;
	server_stats(t->server, &stats);
	assert_int_equal(stats.conns, 0);
	server_destroy(&t->server);
	pthread_mutex_destroy(&t->lock);
}
