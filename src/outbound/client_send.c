#include "outbound/client_priv.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "outbound/envelope.h"
#include "outbound/limits.h"

/* A transaction under way. With PIPELINING all commands up to the data go out in one write, and the replies are read afterwards in the same
 * order (RFC 2920 3.1); otherwise each is read before the next is written. */
struct transaction {
	struct client *c;
	struct client_mail *m;
	struct message_form form;
	struct str address[RELAY_RECIPIENTS_MAX];         /* as it is said; empty: not said, its result is set */
	struct buf out;                                   /* one command at a time */
	size_t accepted;
	bool accepts[RELAY_RECIPIENTS_MAX];
	bool pipelined, chunking, whole;                  /* whole: the message goes right behind its envelope */
	bool mail_ok;
};

/* ---- results ---- */

static void settle(const struct transaction *t, size_t i, int outcome, const struct trouble *why)
{
	struct queue_result *result = &t->m->recipients[i]->result;
	struct arena *a = &t->m->job->arena;

	*result = (struct queue_result){ .outcome = outcome, .status = arena_dup(a, str_from_c(why->status)), .reply = arena_dup(a, str_from_c(why->text)),
									 .remote = arena_dup(a, str_from_c(why->remote)) };
}

static int outcome_of(const struct trouble *t) { return trouble_is_permanent(t) ? QUEUE_FAILED : QUEUE_DELAYED; }

/* All that have no result yet, or only those whose RCPT was accepted. */
static void settle_rest(const struct transaction *t, const struct trouble *why, bool accepted_only)
{
	for (size_t i = 0; i < t->m->n; i++)
		if (t->m->recipients[i]->result.outcome == 0 && (t->accepts[i] || !accepted_only))
			settle(t, i, outcome_of(why), why);
}

static void settle_accepted(const struct transaction *t, size_t i)
{
	struct client *c = t->c;
	bool dsn = (c->ehlo.extensions & SMTP_EXT_DSN) != 0;
	struct trouble ok = { 0 };

	smtp_status_format(c->reply.status, ok.status);
	str_copy_c(ok.remote, sizeof ok.remote, str_from_c(c->host));
	str_copy_c(ok.text, sizeof ok.text, smtp_reply_text(&c->reply));
	/* LMTP is final delivery (RFC 2033 4.2), unless the server says that it will tell of success itself. */
	settle(t, i, c->lmtp && !dsn ? QUEUE_DELIVERED : QUEUE_RELAYED, &ok);
	t->m->recipients[i]->result.dsn_passed_on = dsn;
	t->m->recipients[i]->result.by_lost = t->m->job->envelope.deliver_by && !(c->ehlo.extensions & SMTP_EXT_DELIVERBY);
}

/* ---- commands ---- */

static void write_out(struct transaction *t)
{
	stream_write_str(t->c->stream, buf_str(&t->out));         /* a failure is seen at the next read */
	buf_reset(&t->out);
}

/* RFC 6531 3.4: SMTPUTF8 is said when something in the transaction needs it. */
static bool is_utf8(const struct transaction *t)
{
	bool needed = t->form.utf8 || !utf8_is_ascii(t->m->sender);

	for (size_t i = 0; !needed && i < t->m->n; i++)
		needed = !utf8_is_ascii(t->address[i]);
	return needed && (t->c->ehlo.extensions & SMTP_EXT_SMTPUTF8);
}

static void write_mail(struct transaction *t)
{
	envelope_mail(&t->out, &t->m->job->envelope, t->m->sender, &t->c->ehlo, &t->form, is_utf8(t), clock_now());
	write_out(t);
}

static void write_rcpt(struct transaction *t, size_t i)
{
	envelope_rcpt(&t->out, &t->m->job->envelope, &t->m->recipients[i]->r, t->address[i], &t->c->ehlo);
	write_out(t);
}

/* ---- replies ---- */

static int read_mail(struct transaction *t)
{
	struct trouble why;
	int r = client_read_reply(t->c, CLIENT_COMMAND_MS);

	t->mail_ok = r == 0 && smtp_reply_is_ok(&t->c->reply);
	if (t->mail_ok) {
		t->c->open_transaction = true;
		return 0;
	}
	/* A session that had rested may have ended meanwhile: that says nothing about the message. */
	if (t->c->transactions > 0 && t->c->over && r != ERR_TIMEOUT)
		return ERR_RETRY;
	client_trouble(t->c, r, "MAIL", &why);
	settle_rest(t, &why, false);
	return r;
}

static int read_rcpt(struct transaction *t, size_t i)
{
	struct trouble why;
	int r = client_read_reply(t->c, CLIENT_COMMAND_MS);
	const struct smtp_reply *reply = &t->c->reply;

	if (r == 0 && smtp_reply_is_ok(reply) && t->mail_ok) {
		t->accepts[i] = true;
		t->accepted++;
		return 0;
	}
	if (!t->mail_ok)
		return r;                             /* has its result */
	/* RFC 5321 4.5.3.1.10: too many recipients (452, of old 552): the rest goes in a transaction of its own. */
	bool too_many = r == 0 && (reply->code == 452 || reply->code == 552);
	if (too_many && t->accepted > 0 && !t->c->over)
		return 0;
	client_trouble(t->c, r, "RCPT", &why);
	if (too_many)
		why.status[0] = '4';
	settle(t, i, outcome_of(&why), &why);
	return r;
}

/* ---- the message ---- */

/* All but the last octet, then a look whether the store's bytes were right, then the last: what is broken is never complete. */
static int write_whole(struct transaction *t, struct str bytes)
{
	int r = bytes.n > 1 ? stream_write(t->c->stream, bytes.p, bytes.n - 1) : 0;

	if (r == 0 && !message_is_intact(t->m->message))
		r = ERR_CORRUPT;
	return r || !bytes.n ? r : stream_write(t->c->stream, bytes.p + bytes.n - 1, 1);
}

static int write_chunk(struct transaction *t)
{
	stream_printf(t->c->stream, "BDAT %zu LAST\r\n", t->form.bytes.n);        /* RFC 3030 2 */
	return write_whole(t, t->form.bytes);
}

static int write_stuffed(struct transaction *t)
{
	struct smtp_stuff s;
	struct str piece, next;
	int r = 0;

	smtp_stuff_init(&s, t->form.bytes);
	piece = smtp_stuff_next(&s);
	for (next = smtp_stuff_next(&s); r == 0 && next.n; next = smtp_stuff_next(&s)) {
		r = stream_write_str(t->c->stream, piece);
		piece = next;
	}
	if (r == 0 && !message_is_intact(t->m->message))
		r = ERR_CORRUPT;
	return r ? r : stream_write_str(t->c->stream, piece);     /* the end mark */
}

static void begin_block(struct transaction *t)
{
	stream_set_timeout(t->c->stream, CLIENT_BLOCK_MS);
	stream_set_deadline(t->c->stream, clock_mono_ms() + CLIENT_END_MS + t->form.bytes.n * 1000 / CLIENT_LEAST_RATE);
}

/* The session cannot go on. */
static int lose(struct transaction *t, int r, const char *during)
{
	struct trouble why;

	t->c->over = true;
	if (r == ERR_CORRUPT)
		trouble_set(&why, "4.3.0", "the stored message could not be read");
	else
		client_trouble(t->c, r, during, &why);
	settle_rest(t, &why, false);
	return r;
}

/* RFC 2033 4.2: LMTP answers once for each recipient that it accepted, SMTP once for all. */
static int read_end(struct transaction *t)
{
	struct trouble why;
	bool first = true, refused = false;

	for (size_t i = 0; i < t->m->n; i++) {
		if (!t->accepts[i])
			continue;
		if (first || t->c->lmtp) {
			int r = client_read_reply(t->c, CLIENT_END_MS);
			if (r) {
				/* Nobody knows what became of it; RFC 5321 4.2.5 and RFC 1047 prefer twice to never. */
				t->m->lost_after_data = true;
				return lose(t, r, "the end of data");
			}
			first = false;
		}
		if (smtp_reply_is_ok(&t->c->reply)) {
			settle_accepted(t, i);
		} else {
			client_trouble(t->c, 0, "the end of data", &why);
			settle(t, i, outcome_of(&why), &why);
			refused = true;
		}
	}
	t->c->open_transaction = refused;        /* RFC 3030 2: after a failed BDAT only RSET makes the state certain */
	return 0;
}

/* After DATA was answered: 354, or something else. */
static int answer_data(struct transaction *t)
{
	struct trouble why;
	int r = 0;

	if (t->c->reply.code != 354) {
		client_trouble(t->c, 0, "DATA", &why);
		settle_rest(t, &why, true);
		return 0;
	}
	begin_block(t);
	if (t->accepted == 0) {
		/* RFC 2920 3.1: 354 although no recipient was accepted: nothing but the end of data follows. */
		stream_write_str(t->c->stream, STR(".\r\n"));
		return client_read_reply(t->c, CLIENT_END_MS);
	}
	r = write_stuffed(t);
	/* A server that has heard enough may say why before it goes. */
	if (r && r != ERR_CORRUPT && client_read_reply(t->c, CLIENT_DATA_MS) == 0) {
		t->c->over = true;
		client_trouble(t->c, 0, "DATA", &why);
		settle_rest(t, &why, true);
		return r;
	}
	return r ? lose(t, r, "DATA") : read_end(t);
}

static int send_data(struct transaction *t)
{
	if (!t->pipelined) {
		if (t->accepted == 0)
			return 0;
		stream_printf(t->c->stream, "DATA\r\n");
	}
	int r = client_read_reply(t->c, CLIENT_DATA_MS);
	return r ? lose(t, r, "DATA") : answer_data(t);
}

static int send_chunk(struct transaction *t)
{
	if (!t->whole) {
		if (t->accepted == 0)
			return 0;
		begin_block(t);
		int r = write_chunk(t);
		if (r)
			return lose(t, r, "BDAT");
	}
	/* Sent already and nobody to get it: RFC 3030 2 has the server refuse it. */
	return t->accepted ? read_end(t) : client_read_reply(t->c, CLIENT_END_MS);
}

/* ---- the order of things ---- */

/* What can be said to this server, and to whom. False: nothing is left to do. */
static bool prepare(struct transaction *t)
{
	struct client_mail *m = t->m;
	struct trouble why;
	size_t left = 0;

	t->pipelined = (t->c->ehlo.extensions & SMTP_EXT_PIPELINING) != 0;
	t->chunking = (t->c->ehlo.extensions & SMTP_EXT_CHUNKING) != 0;
	if (envelope_check(&m->job->envelope, m->sender, &t->c->ehlo, clock_now(), &why) || message_fit(m->message, &t->c->ehlo, &t->form, &why)) {
		settle_rest(t, &why, false);
		return false;
	}
	/* Only BODY=BINARYMIME has no other way than BDAT. */
	if (t->c->no_chunking && !(t->form.body && !strcmp(t->form.body, "BINARYMIME")))
		t->chunking = false;
	t->whole = t->chunking && t->pipelined && t->form.bytes.n <= CLIENT_WHOLE_MAX;
	for (size_t i = 0; i < m->n; i++) {
		if (envelope_address(&m->job->arena, m->recipients[i]->r.address, &t->c->ehlo, &t->address[i], &why)) {
			t->address[i] = STR_NONE;
			settle(t, i, outcome_of(&why), &why);
		}
		left += t->address[i].n > 0;
	}
	return left > 0;
}

static int write_envelope(struct transaction *t)
{
	if (t->c->open_transaction)
		stream_printf(t->c->stream, "RSET\r\n");
	write_mail(t);
	for (size_t i = 0; i < t->m->n; i++)
		if (t->address[i].n)
			write_rcpt(t, i);
	if (!t->chunking)
		return stream_printf(t->c->stream, "DATA\r\n");
	if (!t->whole)
		return 0;
	begin_block(t);
	int r = write_chunk(t);
	return r == ERR_CORRUPT ? r : 0;          /* any other failure is seen when reading, with the peer's last words */
}

static int read_reset(struct transaction *t)
{
	int r = t->c->open_transaction ? client_read_reply(t->c, CLIENT_COMMAND_MS) : 0;

	t->c->open_transaction = false;
	if (r == 0 && !t->c->over)
		return 0;
	return r == ERR_TIMEOUT ? lose(t, r, "RSET") : ERR_RETRY;
}

static int pipelined_envelope(struct transaction *t)
{
	int r = write_envelope(t);

	if (r == ERR_CORRUPT)
		return lose(t, r, "BDAT");
	r = read_reset(t);
	if (r == 0)
		r = read_mail(t);
	for (size_t i = 0; r == 0 && i < t->m->n; i++)
		if (t->address[i].n)
			r = read_rcpt(t, i);
	return r;
}

static int stepwise_envelope(struct transaction *t)
{
	if (t->c->open_transaction)
		stream_printf(t->c->stream, "RSET\r\n");
	int r = read_reset(t);
	if (r)
		return r;
	write_mail(t);
	r = read_mail(t);
	for (size_t i = 0; r == 0 && t->mail_ok && !t->c->over && i < t->m->n; i++)
		if (t->address[i].n) {
			write_rcpt(t, i);
			r = read_rcpt(t, i);
		}
	return r;
}

static int run(struct transaction *t)
{
	struct trouble why;
	int r = t->pipelined ? pipelined_envelope(t) : stepwise_envelope(t);

	if (r == ERR_RETRY)
		return r;
	if (r == 0 && t->c->over && !t->pipelined) {
		client_trouble(t->c, 0, "RCPT", &why);            /* a 421 */
		settle_rest(t, &why, false);
		return ERR_CLOSED;
	}
	if (r == 0 && (t->pipelined || t->mail_ok))
		r = t->chunking ? (t->pipelined && !t->whole && !t->accepted ? 0 : send_chunk(t)) : send_data(t);
	if (r && r != ERR_RETRY)
		lose(t, r, "the transaction");
	return r;
}

int client_send(struct client *c, struct client_mail *m)
{
	struct transaction t = { .c = c, .m = m, .out = BUF_INIT(0) };
	int r = prepare(&t) ? run(&t) : 0;

	if (r != ERR_RETRY)
		c->transactions++;
	buf_fini(&t.out);
	return r;
}
