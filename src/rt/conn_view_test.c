/* What is seen of connections from outside, and the local socket for who watches. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "rt/conn_view.h"
#include "rt/limits.h"
#include "rt/log.h"
#include "rt/test_server.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct client *greeted(struct client *c)
{
	client_expect(c, "hello");
	return c;
}

struct seen {
	struct conn_view v[16];
	size_t n;
};

static void add(void *arg, const struct conn_view *v)
{
	struct seen *s = arg;
	assert_true(s->n < 16);
	s->v[s->n++] = *v;
}

static struct seen look(struct test_server *t)
{
	struct seen s = { .n = 0 };
	server_each_conn(t->server, add, &s);
	return s;
}

/* Looks until that many are there. */
static struct seen look_for(struct test_server *t, size_t n)
{
	uint64_t until = clock_mono_ms() + 1000ull * PATIENCE_S;
	struct seen s = look(t);
	while (s.n != n && clock_mono_ms() < until) {
		usleep(1000);
		s = look(t);
	}
	assert_int_equal(s.n, n);
	return s;
}

/* Looks until the only connection has or has not a command. */
static struct conn_view look_for_command(struct test_server *t, bool wanted)
{
	uint64_t until = clock_mono_ms() + 1000ull * PATIENCE_S;
	struct conn_view v = look_for(t, 1).v[0];
	while ((v.command != NULL) != wanted && clock_mono_ms() < until) {
		usleep(1000);
		v = look_for(t, 1).v[0];
	}
	assert_int_equal(v.command != NULL, wanted);
	return v;
}

static void test_fields(void **state)
{
	struct test_server t;
	struct server_config config = { .workers_min = 4, .slow_ms = 100000 };
	struct tls_identity *id = *state;
	struct tls_options tls = { .identities = id, .n_identities = 1 };
	test_server_start(&t, &config, &tls);
	assert_int_equal(look(&t).n, 0);
	struct client *c = greeted(client_open(t.port));
	struct conn_view v = look_for_command(&t, false);
	while (v.running)        /* what was sent is counted when it is sent */
		v = look_for_command(&t, false);
	assert_string_equal(v.proto, "test");
	assert_string_equal(v.peer, "127.0.0.1");
	assert_true(v.peer_port > 0);
	assert_string_equal(v.user, "");
	assert_null(v.tls);
	assert_null(v.state);
	assert_int_equal(v.bytes_out, 7);
	assert_int_equal(v.bytes_in, 0);
	client_send(c, "user ann\r\nstarttls\r\n");
	client_expect(c, "ok");
	client_expect(c, "go");
	assert_true(client_start_tls(c, 0, "a.example", NULL));
	client_expect(c, "secure");
	client_send(c, "hold\r\n");
	v = look_for_command(&t, true);
	assert_string_equal(v.command, "HOLD");
	assert_string_equal(v.state, "working");
	assert_string_equal(v.user, "ann");
	assert_string_equal(v.tls, "TLSv1.3");
	assert_true(v.running);
	assert_true(v.bytes_in > 20);
	usleep(50000);
	assert_true(look_for_command(&t, true).since_ms >= 50);
	uint64_t held_until = clock_mono_ms();
	test_let_go(&t);
	client_expect(c, "held");
	v = look_for_command(&t, false);
	assert_true(v.since_ms <= clock_mono_ms() - held_until && v.open_ms >= v.since_ms + 50);
	client_send(c, "quit\r\n");
	client_expect(c, "bye");
	client_expect_end(c);
	client_close(&c);
	look_for(&t, 0);
	test_server_stop(&t);
}

/* Who comes while others are looked at was not there longer than the world. */
struct newcomer {
	struct test_server *t;
	struct client *c;
	size_t n;
};

static void let_in(void *arg, const struct conn_view *v)
{
	struct newcomer *w = arg;
	assert_true(v->open_ms <= 1000ull * PATIENCE_S * 10);
	if (w->n++ == 0)
		w->c = greeted(client_open(w->t->port));
}

static void test_newcomer(void **state)
{
	(void)state;
	struct test_server t;
	struct server_config config = { .workers_min = 4 };
	test_server_start(&t, &config, NULL);
	struct client *first = greeted(client_open(t.port));
	struct newcomer w = { .t = &t };
	look_for(&t, 1);
	server_each_conn(t.server, let_in, &w);
	assert_int_equal(w.n, 2);
	client_close(&first);
	client_close(&w.c);
	test_server_stop(&t);
}

static void test_slow(void **state)
{
	(void)state;
	struct test_server t;
	struct server_config config = { .workers_min = 4, .slow_ms = 3600000 };
	char text[4096], name[] = "/tmp/troika-view-test.XXXXXX";
	int fd = mkstemp(name);
	unlink(name);
	int64_t before = metric_read_all("troika_rt_slow_commands_total"), times = metric_read_all("troika_test_work_seconds");
	test_server_start(&t, &config, NULL);
	log_setup(LOG_TEXT, LOG_INFO, fd);
	struct client *c = greeted(client_open(t.port));
	client_send(c, "work 10\r\n");
	client_expect(c, "worked");
	server_set_slow(t.server, 10);
	client_send(c, "work 10\r\n");
	client_expect(c, "worked");
	log_setup(LOG_TEXT, LOG_INFO, 2);
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	char *line = strstr(text, " warn slow ");
	assert_non_null(line);
	assert_non_null(strstr(line, "proto=test peer=127.0.0.1 what=WORK state=working ms="));
	assert_non_null(strstr(line, "peer_ms=0 detail=here"));
	assert_null(strstr(line + 12, " slow "));
	close(fd);
	assert_int_equal(metric_read_all("troika_rt_slow_commands_total"), before + 1);
	assert_int_equal(metric_read_all("troika_test_work_seconds"), times + 2);
	server_set_slow(t.server, 0);
	client_send(c, "work 10\r\n");
	client_expect(c, "worked");
	assert_int_equal(metric_read_all("troika_rt_slow_commands_total"), before + 1);
	client_close(&c);
	test_server_stop(&t);
}

/* A crowd of those who watch takes no place of the others, nor do these of theirs. */
static void test_watchers(void **state)
{
	(void)state;
	struct test_server t;
	struct server_config config = { .workers_min = 4, .conns_max = 1, .slow_ms = 100000 };
	struct client *watchers[CONN_WATCHERS_MAX];
	test_server_start(&t, &config, NULL);
	for (size_t i = 0; i < CONN_WATCHERS_MAX; i++)
		watchers[i] = greeted(client_open_local(t.watch_path));
	struct client *more = client_open_local(t.watch_path);
	client_expect_end(more);
	client_close(&more);
	struct client *worked_for = greeted(client_open(t.port));
	client_close(&watchers[0]);
	while (!watchers[0]) {              /* until the server has seen it go */
		struct client *again = client_open_local(t.watch_path);
		const char *line = client_line(again);
		if (line && !strcmp(line, "hello"))
			watchers[0] = again;
		else
			client_close(&again);
	}
	for (size_t i = 0; i < CONN_WATCHERS_MAX; i++)
		client_close(&watchers[i]);
	client_close(&worked_for);
	test_server_stop(&t);
}

/* Who watches gets in while the server drains, and does not keep it. */
static void test_watcher(void **state)
{
	(void)state;
	struct test_server t;
	struct server_config config = { .workers_min = 4, .slow_ms = 100000 };
	struct stat st;
	test_server_start(&t, &config, NULL);
	assert_int_equal(stat(t.watch_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	struct client *busy = greeted(client_open(t.port)), *idle = greeted(client_open_local(t.watch_path));
	client_send(idle, "who\r\n");
	client_expect(idle, "127.0.0.1 0 127.0.0.1 0");
	client_send(busy, "hold\r\n");
	while (!look(&t).v[0].command && !look(&t).v[1].command)
		usleep(1000);
	assert_false(server_is_stopping(t.server));
	server_stop(t.server);
	assert_true(server_is_stopping(t.server));
	client_send(idle, "echo still here\r\n");
	client_expect(idle, "still here");
	struct client *late = greeted(client_open_local(t.watch_path));
	client_send(late, "echo drained\r\n");
	client_expect(late, "drained");
	test_let_go(&t);
	client_expect(busy, "held");
	client_expect(busy, "going");
	client_expect_end(busy);
	client_close(&busy);
	client_expect_end(late);        /* cut off: the rest is done */
	client_expect_end(idle);
	client_close(&late);
	client_close(&idle);
	test_server_stop(&t);
	assert_int_equal(stat(t.watch_path, &st), -1);
}

static void test_figures(void **state)
{
	(void)state;
	struct test_server t;
	test_server_start(&t, NULL, NULL);
	struct client *c = greeted(client_open(t.port));
	struct buf out;
	buf_init(&out, 0);
	metric_collect(&out);
	buf_add_char(&out, '\0');
	assert_non_null(strstr(out.p, "troika_rt_connections{proto=\"test\"} 1\n"));
	assert_non_null(strstr(out.p, "troika_rt_accepted_total{proto=\"test\"} 1\n"));
	assert_non_null(strstr(out.p, "troika_rt_tls_handshakes_total{result=\"ok\"} 0\n"));
	buf_fini(&out);
	client_close(&c);
	test_server_stop(&t);
	buf_init(&out, 0);
	metric_collect(&out);        /* the server is gone, and its figures with it */
	buf_add_char(&out, '\0');
	assert_null(strstr(out.p, "troika_rt_connections{"));
	buf_fini(&out);
}

static int make_identity(void **state)
{
	static struct tls_identity id;
	id = test_identity("a.example");
	*state = &id;
	return 0;
}

static int remove_identity(void **state)
{
	test_identity_remove(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fields), cmocka_unit_test(test_newcomer), cmocka_unit_test(test_slow), cmocka_unit_test(test_watcher), cmocka_unit_test(test_watchers), cmocka_unit_test(test_figures) };
	return cmocka_run_group_tests(tests, make_identity, remove_identity);
}
