#include "base/clock.h"
#include "codec/smtp/trace.h"
#include "deliver/deliver.h"
#include "proto/smtp/session.h"
#include "rt/crypto.h"

#define TRACE_MAX ((size_t)8 << 10)      /* octets that we may put before a message */
#define ID_SIZE 40

void smtp_transaction_reset(struct smtp_transaction *t)
{
	spool_destroy(&t->spool);
	arena_fini(&t->arena);
	*t = (struct smtp_transaction){ .last = NULL };
}

/* Unique while the process lives, and telling in a log: connection, message. */
static struct str message_id(struct smtp_call *c, char text[static ID_SIZE])
{
	int n = snprintf(text, ID_SIZE, "%llx.%x", (unsigned long long)conn_id(c->conn), c->s->messages + 1);

	return str_make(text, n > 0 ? (size_t)n : 0);
}

/* RFC 5321 4.4: Return-Path by final delivery, Received by everybody. */
static void format_trace(struct smtp_call *c, struct buf *b)
{
	struct smtp_transaction *t = &c->s->t;
	char id[ID_SIZE];
	struct smtp_trace trace = {
		.helo = str_from_c(c->s->helo), .peer_ip = conn_peer_ip(c->conn), .by = c->s->config->hostname,
		.esmtp = c->s->esmtp, .lmtp = c->service->mode == SMTP_LMTP, .tls = conn_has_tls(c->conn), .auth = c->s->user != NULL,
		.utf8 = t->utf8, .tls_version = conn_tls_version(c->conn), .tls_cipher = conn_tls_cipher(c->conn),
		.id = message_id(c, id), .when = clock_now(),
	};

	if (t->n_recipients == 1)
		trace.recipient = t->first->address;
	buf_printf(b, "Return-Path: <%.*s>\r\n", STR_ARG(t->sender));
	smtp_format_received(b, &trace);
}

int smtp_transaction_start_data(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;
	struct buf trace = BUF_INIT(TRACE_MAX);
	const struct mail_config *config = c->s->config;
	char dir[512];

	if (!str_copy_c(dir, sizeof dir, config->spool_dir))
		return ERR_CONFIG;
	format_trace(c, &trace);
	int r = trace.failed ? ERR_NO_MEMORY : spool_create(dir, config->message_size_max + 2 * TRACE_MAX, &t->spool);
	if (r == 0)
		r = spool_write(t->spool, trace.p, trace.n);
	t->trace_size = trace.n;
	buf_fini(&trace);
	return r;
}

void smtp_transaction_write(struct smtp_call *c, const char *p, size_t n)
{
	struct smtp_transaction *t = &c->s->t;

	if (n == 0 || t->too_big || t->spool_error)
		return;
	if (spool_size(t->spool) - t->trace_size + n > c->s->config->message_size_max)
		t->too_big = true;
	else
		t->spool_error = spool_write(t->spool, p, n);
	if (t->too_big || t->spool_error)
		spool_destroy(&t->spool);
}

/* What is wrong with the octets themselves; true when an answer (code, text) was chosen. */
static bool find_fault(struct smtp_call *c, struct str message, unsigned *code_out, const char **enhanced_out, const char **text_out)
{
	struct smtp_transaction *t = &c->s->t;
	struct smtp_header_facts facts;

	*code_out = 550;
	*enhanced_out = "5.6.0";
	if (t->data.faults & (SMTP_DATA_BARE_LF | SMTP_DATA_BARE_CR)) {
		*enhanced_out = "5.5.2";
		*text_out = "Bare CR or LF in the message: lines end with CRLF";
		return true;
	}
	if (t->data.faults & SMTP_DATA_NUL) {
		*text_out = "NUL in the message";
		return true;
	}
	if (t->data.faults & SMTP_DATA_LONG_LINE) {
		*text_out = "A line of the message is too long";
		return true;
	}
	smtp_header_scan(str_from(message, t->trace_size), &facts);
	if (facts.received > c->s->config->smtp_hops_max) {          /* RFC 5321 6.3 */
		*code_out = 554;
		*enhanced_out = "5.4.6";
		*text_out = "Too many hops: this message goes in circles";
		return true;
	}
	return false;
}

/* RFC 6409 8: a submission agent adds Date and Message-ID where they are missing. Makes a new spool when needed. */
static int complete_headers(struct smtp_call *c, struct str message)
{
	struct smtp_transaction *t = &c->s->t;
	struct smtp_header_facts facts;
	struct buf extra = BUF_INIT(TRACE_MAX);
	struct spool *whole = NULL;
	char dir[512];
	int r = 0;

	smtp_header_scan(str_from(message, t->trace_size), &facts);
	if (facts.has_date && facts.has_message_id)
		return 0;
	if (!facts.has_date) {
		buf_add_lit(&extra, "Date: ");
		smtp_format_date(&extra, clock_now());
		buf_add_lit(&extra, "\r\n");
	}
	if (!facts.has_message_id) {
		uint64_t random[2];
		crypto_random(random, sizeof random);
		buf_printf(&extra, "Message-ID: <%llx.%016llx%016llx@%.*s>\r\n", (unsigned long long)clock_now(), (unsigned long long)random[0],
				   (unsigned long long)random[1], STR_ARG(c->s->config->hostname));
	}
	if (!str_copy_c(dir, sizeof dir, c->s->config->spool_dir))
		r = ERR_CONFIG;
	if (r == 0)
		r = spool_create(dir, message.n + extra.n, &whole);
	if (r == 0)
		r = spool_write(whole, message.p, t->trace_size);
	if (r == 0)
		r = spool_write(whole, extra.p, extra.n);
	if (r == 0)
		r = spool_write(whole, message.p + t->trace_size, message.n - t->trace_size);
	if (r == 0) {
		spool_destroy(&t->spool);
		t->spool = whole;
	} else {
		spool_destroy(&whole);
	}
	buf_fini(&extra);
	return r;
}

/* Hands the message to deliver; results per target in the arena. */
static int deliver(struct smtp_call *c, struct str message, struct deliver_recipient **out)
{
	struct smtp_transaction *t = &c->s->t;
	struct deliver_recipient *all = arena_array(&t->arena, t->n_targets, sizeof *all);
	struct err e = { 0 };
	size_t n = 0;

	if (!all)
		return ERR_NO_MEMORY;
	for (struct smtp_recipient *r = t->first; r; r = r->next)
		for (size_t i = 0; i < r->n_targets; i++)
			all[n++] = (struct deliver_recipient){ .account = r->targets[i].account, .detail = r->targets[i].detail };
	*out = all;
	int code = deliver_message(services_model(c->service->services), message, clock_now(), all, n, &e);
	if (code)
		conn_log(c->conn, LOG_WARN, "smtp.deliver-failed", LOG_LIST(LOG_S("from", t->sender), LOG_C("why", err_text(code)), LOG_C("error", e.log)));
	return code;
}

static void reply_accepted(struct smtp_call *c)
{
	char id[ID_SIZE];

	message_id(c, id);
	smtp_reply(c, 250, "2.0.0", "Ok: kept as %s", id);
}

/* RFC 2033 4.2: one reply for each recipient that got its 250, in order. */
static void reply_lmtp(struct smtp_call *c, const struct deliver_recipient *results)
{
	size_t n = 0;

	for (struct smtp_recipient *r = c->s->t.first; r; r = r->next) {
		int worst = 0;
		for (size_t i = 0; i < r->n_targets; i++, n++)
			if (results[n].result)
				worst = results[n].result;
		if (worst)
			smtp_reply_error(c, worst, "Delivery");
		else
			reply_accepted(c);
	}
}

static void reply_smtp(struct smtp_call *c, const struct deliver_recipient *results, int code)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < c->s->t.n_targets; i++)
		kept += results[i].result == 0;
	if (code == 0)
		reply_accepted(c);
	else if (kept == 0)
		smtp_reply_error(c, code, "Delivery");
	else
		/* Some have it and some do not, and one reply must do for all. A retry gives the first ones a second copy; a 250 would
		 * lose it for the others. */
		smtp_reply(c, 451, "4.2.0", "Delivered to some recipients only, try again later");
}

/* The same refusal for the message, once or per recipient. */
static void refuse(struct smtp_call *c, unsigned code, const char *enhanced, const char *text)
{
	unsigned times = c->service->mode == SMTP_LMTP ? c->s->t.n_recipients : 1;

	conn_log(c->conn, LOG_NOTICE, "smtp.message-refused", LOG_LIST(LOG_S("from", c->s->t.sender), LOG_C("why", text)));
	while (times--)
		smtp_reply(c, code, enhanced, "%s", text);
}

static void refuse_for_error(struct smtp_call *c, int code)
{
	unsigned times = c->service->mode == SMTP_LMTP ? c->s->t.n_recipients : 1;

	while (times--)
		smtp_reply_error(c, code, "Message");
}

static void accept_whole(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;
	struct deliver_recipient *results = NULL;
	struct str message;
	unsigned reply_code;
	const char *enhanced, *text;

	if (t->too_big) {
		refuse(c, 552, "5.3.4", "Message too big");
		return;
	}
	int code = t->spool_error ? t->spool_error : spool_bytes(t->spool, &message);
	if (code == 0 && find_fault(c, message, &reply_code, &enhanced, &text)) {
		refuse(c, reply_code, enhanced, text);
		return;
	}
	if (code == 0 && c->service->mode == SMTP_SUBMISSION) {
		code = complete_headers(c, message);
		if (code == 0)
			code = spool_bytes(t->spool, &message);
	}
	if (code == 0)
		code = deliver(c, message, &results);
	if (!results) {
		refuse_for_error(c, code);
		return;
	}
	if (c->service->mode == SMTP_LMTP)
		reply_lmtp(c, results);
	else
		reply_smtp(c, results, code);
	if (code == 0)
		conn_log(c->conn, LOG_INFO, "smtp.accept",
				 LOG_LIST(LOG_S("from", t->sender), LOG_S("to", t->first->address), LOG_U("rcpts", t->n_recipients), LOG_U("size", message.n)));
	c->s->messages += code == 0;
}

void smtp_accept(struct smtp_call *c)
{
	accept_whole(c);
	smtp_transaction_reset(&c->s->t);
}
