/* The order of things between the end of data and the reply. What is refused is refused here, in the dialogue: nothing is accepted to be bounced. */
#include "proto/smtp/accept.h"

#include "codec/mime/header.h"
#include "codec/smtp/trace.h"
#include "deliver/deliver.h"
#include "deliver/group.h"
#include "proto/smtp/checks.h"
#include "proto/smtp/count.h"
#include "proto/smtp/gate.h"
#include "proto/smtp/header.h"
#include "proto/smtp/seal.h"
#include "proto/smtp/transaction.h"

#include <stdarg.h>

/* ---- replies ---- */

unsigned smtp_reply_count(const struct smtp_call *c)
{
	return c->service->mode == SMTP_LMTP ? c->s->t.n_recipients : 1;
}

void smtp_refuse_message(struct smtp_call *c, unsigned code, const char *enhanced, const char *format, ...)
{
	char text[SMTP_GATE_TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	conn_log(c->conn, LOG_NOTICE, "smtp.message-refused", LOG_LIST(LOG_S("from", c->s->t.sender), LOG_C("why", text)));
	for (unsigned times = smtp_reply_count(c); times--;)
		smtp_reply(c, code, enhanced, "%s", text);
}

void smtp_fail_message(struct smtp_call *c, int code)
{
	for (unsigned times = smtp_reply_count(c); times--;)
		smtp_reply_error(c, code, "Message");
}

static void reply_one(struct smtp_call *c, int code, uint64_t queue_id)
{
	char id[SMTP_ID_SIZE];

	if (code)
		smtp_reply_error(c, code, "Delivery");
	else if (queue_id)
		smtp_reply(c, 250, "2.0.0", "Ok: queued as %llx", (unsigned long long)queue_id);
	else
		smtp_reply(c, 250, "2.0.0", "Ok: kept as %s", smtp_message_id(c, id).p);
}

static void reply(struct smtp_call *c, const struct smtp_handover *h)
{
	const struct deliver_recipient *result = h->results;

	if (!result) {
		for (unsigned times = smtp_reply_count(c); times--;)
			reply_one(c, h->code, h->queue_id);
		return;
	}
	for (const struct smtp_recipient *r = c->s->t.first; r; r = r->next) {
		int worst = 0;
		for (size_t i = 0; i < r->n_targets; i++, result++)
			if (result->result)
				worst = result->result;
		reply_one(c, worst, 0);
	}
}

/* ---- what is plainly wrong ---- */

/* Did one of our aliases that lead away forward this very message before? */
static bool goes_in_circles(const struct smtp_call *c, struct str message)
{
	struct mime_header_walk w = mime_header_walk(message);
	struct mime_header_field f;

	if (!c->s->t.n_away)
		return false;
	while (mime_header_next(&w, &f)) {
		if (!str_ieq(f.name, STR("Delivered-To")))
			continue;
		for (const struct smtp_recipient *r = c->s->t.first; r; r = r->next)
			if (r->n_away && !r->relayed && str_ieq(str_trim(f.body), r->address))
				return true;
	}
	return false;
}

/* What a group would send back to the sender, said at once where it is for the group alone. True when an answer was given. */
static bool refuse_for_group(struct smtp_call *c, struct str message)
{
	const struct smtp_recipient *r = c->s->t.first;
	struct group_env env = { .directory = services_directory(c->service->services) };
	struct group_mail mail = { .message = message };
	struct err e = { 0 };

	if (c->s->t.n_recipients != 1 || r->n_targets != 1 || !r->targets->group)
		return false;
	int code = group_check(&env, r->targets->address, &mail, &e);
	if (code == ERR_CONFLICT)
		smtp_refuse_message(c, 554, "5.4.6", "%s", e.client);
	else if (code == ERR_TOO_BIG)
		smtp_refuse_message(c, 552, "5.2.3", "%s", e.client);
	return code == ERR_CONFLICT || code == ERR_TOO_BIG;
}

/* True when an answer was given. */
static bool refuse_faults(struct smtp_call *c, struct str message)
{
	const struct smtp_transaction *t = &c->s->t;
	struct smtp_header_facts facts;

	smtp_header_scan(message, &facts);
	if (t->data.faults & (SMTP_DATA_BARE_LF | SMTP_DATA_BARE_CR))
		smtp_refuse_message(c, 550, "5.5.2", "Bare CR or LF in the message: lines end with CRLF");
	else if (t->data.faults & SMTP_DATA_NUL)
		smtp_refuse_message(c, 550, "5.6.0", "NUL in the message");
	else if (t->data.faults & SMTP_DATA_LONG_LINE)
		smtp_refuse_message(c, 550, "5.6.0", "A line of the message is too long");
	else if (facts.received > c->s->config->smtp_hops_max || goes_in_circles(c, message))          /* RFC 5321 6.3 */
		smtp_refuse_message(c, 554, "5.4.6", "Too many hops: this message goes in circles");
	else
		return false;
	return true;
}

/* ---- the front ---- */

/* Received first: what follows it was found out by the server that it names. */
static int put_front(struct smtp_call *c, struct str message, const struct smtp_findings *f)
{
	const struct smtp_transaction *t = &c->s->t;
	struct buf front = BUF_INIT(SMTP_FRONT_MAX);

	smtp_format_trace(c, &front);
	if (f->known)
		buf_add_str(&front, f->field);
	smtp_seal(c, message, f, &front);
	/* for goes_in_circles; with more recipients it would tell each of the others */
	if (t->n_recipients == 1 && t->first->n_away && !t->first->relayed)
		buf_printf(&front, "Delivered-To: %.*s\r\n", STR_ARG(t->first->address));
	int code = front.failed ? buf_error(&front) : spool_front(t->spool, 0, front.p, front.n);
	buf_fini(&front);
	return code;
}

/* ---- the order ---- */

static void hand_over(struct smtp_call *c, size_t size)
{
	const struct smtp_transaction *t = &c->s->t;
	struct smtp_handover h = { 0 };

	if (!t->discard)
		smtp_hand_over(c, &h);
	reply(c, &h);
	if (h.code)
		return;
	c->s->messages++;
	smtp_count_message(c, size);
	conn_log(c->conn, LOG_INFO, t->discard ? "smtp.discard" : "smtp.accept",
			 LOG_LIST(LOG_S("from", t->sender), LOG_S("to", t->first ? t->first->address : STR("-")), LOG_U("rcpts", t->n_recipients),
					  LOG_U("size", size), LOG_X("queue", h.queue_id), LOG_U("junk", t->junk), LOG_I("priority", t->wishes.priority)));
}

static void accept_whole(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;
	struct smtp_findings findings;
	struct str message;

	if (t->too_big) {
		smtp_refuse_message(c, 552, "5.3.4", "Message too big");
		return;
	}
	int code = t->spool_error ? t->spool_error : spool_bytes(t->spool, &message);
	if (code) {
		smtp_fail_message(c, code);
		return;
	}
	if (refuse_faults(c, message) || refuse_for_group(c, message) || !smtp_check_sender(c, message, &findings))
		return;
	struct smtp_matter matter = { .message = message, .findings = &findings };
	if (!smtp_gates_pass(c, SMTP_STAGE_MESSAGE, &matter))
		return;
	code = spool_bytes(t->spool, &message);
	if (code == 0 && !smtp_tidy_header(c, &message))
		return;
	if (code == 0)
		code = put_front(c, message, &findings);
	if (code)
		smtp_fail_message(c, code);
	else
		hand_over(c, message.n);
}

void smtp_accept(struct smtp_call *c)
{
	accept_whole(c);
	smtp_transaction_reset(&c->s->t);
	c->s->forwarded = (struct smtp_peer){ .port = 0 };
}
