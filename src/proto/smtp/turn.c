#include "proto/smtp/turn.h"

#include "codec/smtp/stuff.h"
#include "proto/smtp/turn_job.h"

#include <stdlib.h>

enum step { GREETING, EHLO, HELO, MAIL, RCPT, DATA, DOT, RSET, QUIT };

struct smtp_turn {
	struct arena arena;
	struct str *domains;                 /* as the queue names them */
	size_t n_domains, at;
	enum step step;                      /* whose reply is awaited */
	struct smtp_reply reply;
	struct smtp_ehlo server;
	struct turn_job *job;                /* the message under way */
	unsigned sent;
};

/* ---- what we say ---- */

static void say(struct smtp_call *c, enum step step, const char *command)
{
	c->s->turn->step = step;
	conn_printf(c->conn, "%s\r\n", command);
}

static void say_name(struct smtp_call *c, enum step step, const char *verb)
{
	c->s->turn->step = step;
	conn_printf(c->conn, "%s %.*s\r\n", verb, STR_ARG(c->s->config->hostname));
}

static void say_mail(struct smtp_call *c)
{
	struct buf command = BUF_INIT(SMTP_LINE_MAX);

	c->s->turn->step = MAIL;
	turn_job_mail(c->s->turn->job, &command);
	conn_write(c->conn, command.p, command.n);
	buf_fini(&command);
}

/* The next recipient; behind the last one the data, or nothing when nobody was accepted. */
static void say_next(struct smtp_call *c)
{
	struct smtp_turn *t = c->s->turn;
	struct buf command = BUF_INIT(SMTP_LINE_MAX);

	if (turn_job_rcpt(t->job, &command)) {
		t->step = RCPT;
		conn_write(c->conn, command.p, command.n);
	} else {
		bool any = turn_job_has_recipients(t->job);
		say(c, any ? DATA : RSET, any ? "DATA" : "RSET");
	}
	buf_fini(&command);
}

static void say_message(struct smtp_call *c)
{
	struct smtp_turn *t = c->s->turn;
	struct smtp_stuff stuff;
	struct str piece, next;

	t->step = DOT;
	smtp_stuff_init(&stuff, turn_job_bytes(t->job));
	for (piece = smtp_stuff_next(&stuff); (next = smtp_stuff_next(&stuff)).n; piece = next)
		if (conn_write_large(c->conn, piece.p, piece.n))
			return;
	/* without the end mark no peer takes it: bytes of the store that went bad under way are never complete */
	if (turn_job_is_intact(t->job))
		conn_write(c->conn, piece.p, piece.n);
	else
		c->s->closing = true;
}

/* ---- messages ---- */

static void finish(struct smtp_call *c)
{
	int code = turn_job_finish(&c->s->turn->job);

	if (code)
		conn_log(c->conn, LOG_WARN, "smtp.turn-unsettled", LOG_LIST(LOG_C("why", err_text(code))));
}

/* A message of one of the domains that are left: 0, ERR_TIMEOUT when there is none, or an error. */
static int take(struct smtp_call *c)
{
	struct smtp_turn *t = c->s->turn;
	int code = ERR_TIMEOUT;

	while (t->at < t->n_domains && code == ERR_TIMEOUT) {
		code = turn_job_take(c->service->queue, c->service->store, t->domains[t->at], &t->job);
		t->at += code == ERR_TIMEOUT;
	}
	return code;
}

/* The one at hand, or those that follow, until one can be said. */
static void say_some_message(struct smtp_call *c)
{
	struct smtp_turn *t = c->s->turn;

	while (t->job || take(c) == 0) {
		if (turn_job_prepare(t->job, &t->server, conn_has_tls(c->conn))) {
			say_mail(c);
			return;
		}
		finish(c);
	}
	say(c, QUIT, "QUIT");
}

static void next_message(struct smtp_call *c)
{
	finish(c);
	say_some_message(c);
}

/* ---- what the peer says ---- */

static void heard_hello(struct smtp_call *c, bool ok)
{
	struct smtp_turn *t = c->s->turn;

	if (ok) {
		say_some_message(c);
	} else if (t->step == EHLO) {
		t->server = (struct smtp_ehlo){ .extensions = 0 };
		say_name(c, HELO, "HELO");
	} else {
		say(c, QUIT, "QUIT");
	}
}

static void heard_end(struct smtp_call *c, bool ok)
{
	struct smtp_turn *t = c->s->turn;
	struct str remote = str_from_c(c->s->helo);

	t->sent += ok;
	if (ok)
		turn_job_relayed(t->job, &t->reply, remote);
	else
		turn_job_failed(t->job, &t->reply, remote, true);
	next_message(c);
}

static void heard(struct smtp_call *c)
{
	struct smtp_turn *t = c->s->turn;
	struct str remote = str_from_c(c->s->helo);
	bool ok = smtp_reply_is_ok(&t->reply);

	switch (t->step) {
	case GREETING:
		if (ok)
			say_name(c, EHLO, "EHLO");
		else
			say(c, QUIT, "QUIT");
		break;
	case EHLO:
	case HELO:
		heard_hello(c, ok);
		break;
	case MAIL:
		if (ok) {
			say_next(c);
			break;
		}
		turn_job_failed(t->job, &t->reply, remote, false);
		next_message(c);
		break;
	case RCPT:
		turn_job_heard_rcpt(t->job, &t->reply, remote);
		say_next(c);
		break;
	case DATA:
		if (t->reply.code == 354) {
			say_message(c);
			break;
		}
		turn_job_failed(t->job, &t->reply, remote, true);
		say(c, RSET, "RSET");
		break;
	case DOT:
		heard_end(c, ok);
		break;
	case RSET:
		next_message(c);
		break;
	case QUIT:
		c->s->closing = true;
		break;
	}
}

void smtp_turn_line(struct smtp_call *c, struct str line)
{
	struct smtp_turn *t = c->s->turn;
	enum smtp_reply_step step = smtp_reply_line(&t->reply, line);

	if (step != SMTP_REPLY_BAD && t->step == EHLO && t->reply.lines > 1)
		smtp_ehlo_line(&t->server, smtp_reply_line_text(line));
	if (step == SMTP_REPLY_BAD || (step == SMTP_REPLY_DONE && t->reply.code == 421)) {
		c->s->closing = true;            /* what is under way goes back to the queue */
	} else if (step == SMTP_REPLY_DONE) {
		heard(c);
		smtp_reply_begin(&t->reply);
	}
}

/* ---- from the beginning to the end ---- */

int smtp_turn_begin(struct smtp_call *c, const struct str *domains, size_t n)
{
	struct smtp_turn *t = calloc(1, sizeof *t);

	if (!t)
		return ERR_NO_MEMORY;
	arena_init(&t->arena, SMTP_TRANSACTION_MEMORY_MAX);
	t->domains = arena_array(&t->arena, n, sizeof *t->domains);
	for (; t->domains && t->n_domains < n; t->n_domains++)
		t->domains[t->n_domains] = arena_printf(&t->arena, QUEUE_FETCHED "%.*s", STR_ARG(domains[t->n_domains]));
	c->s->turn = t;
	int code = t->domains && !t->arena.failed ? take(c) : ERR_NO_MEMORY;
	if (code) {
		smtp_turn_end(c);
		return code == ERR_TIMEOUT ? ERR_NOT_FOUND : code;
	}
	smtp_reply_begin(&t->reply);
	c->s->phase = SMTP_TURNED;
	return 0;
}

void smtp_turn_end(struct smtp_call *c)
{
	struct smtp_turn *t = c->s->turn;

	if (!t)
		return;
	finish(c);
	if (t->sent)
		conn_log(c->conn, LOG_INFO, "smtp.turned", LOG_LIST(LOG_U("messages", t->sent)));
	arena_fini(&t->arena);
	free(t);
	c->s->turn = NULL;
}
