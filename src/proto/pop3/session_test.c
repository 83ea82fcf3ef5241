/* A session from greeting to end on a connection that is only bytes: what transcripts cannot show (a store that
 * fails at QUIT, silence, a server that goes down), and a few whole conversations. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/pop3/pop3.h"
#include "proto/pop3/session.h"
#include "proto/pop3/world.h"

/* ---- a connection, in place of rt's ---- */

struct conn {
	struct str in;
	struct buf out;
	size_t line_max;
	uint64_t timeout_ms;
	bool dead, users_full;
	unsigned large_runs;
};

struct buf *conn_out(struct conn *c) { return &c->out; }
void conn_write(struct conn *c, const void *p, size_t n) { buf_add(&c->out, p, n); }
void conn_write_str(struct conn *c, struct str s) { buf_add_str(&c->out, s); }
int conn_out_check(struct conn *c) { return c->dead ? ERR_CLOSED : 0; }
void conn_want_line(struct conn *c, size_t max) { c->line_max = max; }
void conn_set_timeout(struct conn *c, uint64_t ms) { c->timeout_ms = ms; }
bool conn_has_tls(const struct conn *c) { return !c; }
bool conn_can_tls(const struct conn *c) { return !c; }
int conn_start_tls(struct conn *c) { return c ? ERR_UNSUPPORTED : 0; }
int conn_tls_exporter(struct conn *c, struct buf *out) { return c && out ? ERR_UNSUPPORTED : 0; }
int conn_tls_client_address(struct conn *c, unsigned i, struct buf *out) { return c && out && i ? ERR_NOT_FOUND : ERR_NOT_FOUND; }
int conn_tls_end_point(struct conn *c, struct buf *out) { return c && out ? ERR_UNSUPPORTED : 0; }
struct str conn_peer_ip(const struct conn *c) { return c ? STR("192.0.2.1") : STR(""); }
int conn_set_user(struct conn *c, struct str user) { return c->users_full && user.n ? ERR_BUSY : 0; }

void conn_note(struct conn *c, const char *state) { (void)c, (void)state; }
void conn_command_begin(struct conn *c, const char *name) { (void)c, (void)name; }
void conn_command_end(struct conn *c, struct metric *m, const struct log_field *fields) { (void)c, (void)m, (void)fields; }

void conn_log(struct conn *c, enum log_level level, const char *event, const struct log_field *fields)
{
	(void)c;
	(void)level;
	(void)event;
	(void)fields;
}

void conn_abort(struct conn *c) { c->dead = true; }

int conn_write_large(struct conn *c, const void *p, size_t n)
{
	c->large_runs++;
	buf_add(&c->out, p, n);
	return c->dead ? ERR_CLOSED : 0;
}

int conn_take_line(struct conn *c, struct str *line_out, bool *bare_lf_out)
{
	size_t end = str_chr(c->in, '\n');
	if (end == STR_NPOS)
		return 0;
	(void)bare_lf_out;
	bool bare_lf = end == 0 || c->in.p[end - 1] != '\r';
	*line_out = str_sub(c->in, 0, bare_lf ? end : end - 1);
	c->in = str_from(c->in, end + 1);
	return end + 1 > c->line_max ? ERR_TOO_BIG : 1;
}

/* ---- one session ---- */

struct talk {
	struct conn conn;
	struct pop3_session session;
	struct services *services;
	bool closed;
};

static void event(struct talk *t, enum conn_event e)
{
	t->closed = pop3_proto.run(&t->conn, &t->session, t->services, e) == CONN_CLOSE;
}

static struct talk *open_talk(struct services *s)
{
	struct talk *t = calloc(1, sizeof(*t));
	t->services = s;
	event(t, CONN_OPEN);
	assert_true(str_starts(buf_str(&t->conn.out), STR("+OK ")));
	return t;
}

static void end_talk(struct talk *t)
{
	pop3_proto.fini(&t->conn, &t->session, t->services);
	buf_fini(&t->conn.out);
	free(t);
}

/* Says all of it, and what came back must be this. */
static void say(struct talk *t, const char *lines, const char *want)
{
	t->conn.in = str_from_c(lines);
	buf_reset(&t->conn.out);
	while (t->conn.in.n && !t->closed)
		event(t, CONN_INPUT);
	if (!str_eq(buf_str(&t->conn.out), str_from_c(want)))
		fail_msg("said \"%s\", expected \"%s\", heard \"%.*s\"", lines, want, STR_ARG(buf_str(&t->conn.out)));
}

#define LOGIN "USER " WORLD_USER "\r\nPASS " WORLD_PASSWORD "\r\n"
#define LOGGED_IN "+OK Send PASS\r\n+OK Maildrop locked and ready\r\n"
#define MESSAGE "Subject: x\r\n\r\n.body\r\n"

static void test_whole_session(void **state)
{
	struct world *w = *state;
	world_append(w, STR(MESSAGE));
	world_append(w, STR("Subject: y\r\n\r\n"));
	struct talk *t = open_talk(w->well.services);
	assert_true(t->conn.timeout_ms >= 10 * 60 * 1000);
	say(t, LOGIN "STAT\r\n", LOGGED_IN "+OK 2 35\r\n");
	say(t, "RETR 1\r\n", "+OK 21 octets\r\nSubject: x\r\n\r\n..body\r\n.\r\n");
	say(t, "LIST\r\n", "+OK 2 messages\r\n1 21\r\n2 14\r\n.\r\n");
	say(t, "DELE 1\r\nQUIT\r\n", "+OK Marked to be deleted\r\n+OK Goodbye\r\n");
	assert_true(t->closed);
	end_talk(t);
	assert_int_equal(world_count(w), 1);
}

/* RFC 1939 section 6: nothing at all is removed, and the client hears it. */
static void test_update_fails(void **state)
{
	struct world *w = *state;
	world_append(w, STR(MESSAGE));
	struct talk *t = open_talk(w->ill.services);
	say(t, LOGIN "DELE 1\r\nQUIT\r\n", LOGGED_IN "+OK Marked to be deleted\r\n-ERR [SYS/TEMP] Nothing was removed\r\n");
	assert_true(t->closed);
	end_talk(t);
	assert_int_equal(world_count(w), 1);
	t = open_talk(w->ill.services);
	say(t, LOGIN "STAT\r\nQUIT\r\n", LOGGED_IN "+OK 1 21\r\n+OK Goodbye\r\n");
	end_talk(t);
}

/* RFC 1939 section 3: silence ends the session without a word and without UPDATE; so does a server that goes down,
 * with a word. */
static void test_ends_without_quit(void **state)
{
	struct world *w = *state;
	static const struct { enum conn_event event; const char *want; } cases[] = {
		{ CONN_TIMEOUT, "" }, { CONN_DRAIN, "-ERR [SYS/TEMP] The server is shutting down\r\n" },
	};
	world_append(w, STR(MESSAGE));
	for (size_t i = 0; i < 2; i++) {
		struct talk *t = open_talk(w->well.services);
		say(t, LOGIN "DELE 1\r\n", LOGGED_IN "+OK Marked to be deleted\r\n");
		buf_reset(&t->conn.out);
		event(t, cases[i].event);
		assert_true(t->closed);
		assert_true(str_eq(buf_str(&t->conn.out), str_from_c(cases[i].want)));
		end_talk(t);
		assert_int_equal(world_count(w), 1);
	}
}

static void test_too_many_connections(void **state)
{
	struct world *w = *state;
	struct talk *t = open_talk(w->well.services), *other;
	t->conn.users_full = true;
	say(t, LOGIN, "+OK Send PASS\r\n-ERR [SYS/TEMP] Too many connections of this user\r\n");
	/* and the maildrop is not held by somebody who is not in */
	other = open_talk(w->well.services);
	say(other, LOGIN, LOGGED_IN);
	say(t, LOGIN, "+OK Send PASS\r\n-ERR [IN-USE] The maildrop is in use by another POP3 session\r\n");
	end_talk(other);
	t->conn.users_full = false;
	say(t, LOGIN, LOGGED_IN);
	end_talk(t);
}

/* RFC 2595 section 4: what a peer said before TLS is forgotten: a USER put in by somebody in the middle, a language,
 * an exchange. */
static void test_tls_forgets(void **state)
{
	struct world *w = *state;
	struct talk *t = open_talk(w->well.services);
	say(t, "LANG ru\r\nUTF8\r\nUSER " WORLD_USER "\r\n", "+OK ru Язык изменён\r\n+OK Режим UTF-8\r\n+OK Жду PASS\r\n");
	event(t, CONN_TLS);
	say(t, "PASS " WORLD_PASSWORD "\r\n", "-ERR USER first\r\n");
	assert_false(t->session.utf8);
	say(t, "AUTH PLAIN\r\n", "+ \r\n");
	event(t, CONN_TLS);
	say(t, "CAPA now\r\n", "-ERR Wrong arguments\r\n");
	end_talk(t);
}

/* Long messages go out in runs that are not copied; a peer that is gone is not talked to any more. */
static void test_large(void **state)
{
	struct world *w = *state;
	struct buf message = BUF_INIT(0);
	buf_add_lit(&message, "Subject: large\r\n\r\n");
	while (message.n < 200000)
		buf_add_lit(&message, "a line of the message, without a dot at its start\r\n");
	buf_add_lit(&message, ".");
	world_append(w, buf_str(&message));
	struct talk *t = open_talk(w->well.services);
	say(t, LOGIN, LOGGED_IN);
	t->conn.in = STR("RETR 1\r\n");
	buf_reset(&t->conn.out);
	event(t, CONN_INPUT);
	assert_int_equal(t->conn.large_runs, 1);
	struct buf want = BUF_INIT(0);
	buf_printf(&want, "+OK %zu octets\r\n", message.n + 2);
	buf_add(&want, message.p, message.n - 1);
	buf_add_lit(&want, "..\r\n.\r\n");
	assert_true(str_eq(buf_str(&want), buf_str(&t->conn.out)));
	t->conn.dead = true;
	t->conn.in = STR("RETR 1\r\n");
	buf_reset(&t->conn.out);
	event(t, CONN_INPUT);
	assert_true(t->conn.out.n < message.n + 100);
	end_talk(t);
	buf_fini(&want);
	buf_fini(&message);
}

/* At rest nothing but the struct is held: no exchange, no name. */
static void test_rest(void **state)
{
	struct world *w = *state;
	struct talk *t = open_talk(w->well.services);
	say(t, "AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=\r\n", "+OK Maildrop locked and ready\r\n");
	assert_null(t->session.sasl);
	assert_null(t->session.name);
	assert_null(t->session.drop.marks);
	assert_int_equal(t->conn.line_max, POP3_LINE_MAX);
	end_talk(t);
}

#define TEST(fn) { #fn, fn, world_setup, world_teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole_session),
		TEST(test_update_fails),
		TEST(test_ends_without_quit),
		TEST(test_too_many_connections),
		TEST(test_tls_forgets),
		TEST(test_large),
		TEST(test_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
