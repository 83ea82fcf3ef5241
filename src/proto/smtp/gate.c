#include "proto/smtp/gate.h"

#include "base/ascii.h"
#include "proto/smtp/recipient.h"
#include "proto/smtp/transaction.h"

/* A recipient that a gate adds is one that RCPT would take; others are passed over. */
static void add_recipient(struct smtp_call *c, struct str address)
{
	struct buf wire = BUF_INIT(SMTP_PATH_MAX + 2);
	struct smtp_path path;
	size_t used;
	struct smtp_recipient *r = arena_new(&c->s->t.arena, struct smtp_recipient);

	buf_printf(&wire, "<%.*s>", STR_ARG(address));
	int code = r && !smtp_path_parse(buf_str(&wire), &path, &used) && !path.null ? smtp_recipient_resolve(c, &path, r) : ERR_INVALID;
	if (code == 0)
		smtp_recipient_keep(&c->s->t, r);
	else
		conn_log(c->conn, LOG_NOTICE, "smtp.gate-recipient", LOG_LIST(LOG_S("rcpt", address), LOG_C("why", err_text(code))));
	buf_fini(&wire);
}

static void remove_recipient(struct smtp_transaction *t, struct str address)
{
	for (struct smtp_recipient **at = &t->first; *at;) {
		struct smtp_recipient *r = *at;
		if (!str_ieq(r->address, address)) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		if (t->last == &r->next)
			t->last = at;
		t->n_recipients--;
		t->n_targets -= (unsigned)r->n_targets;
		t->n_queued -= (unsigned)r->n_queued;
		t->n_away -= (unsigned)r->n_away;
	}
}

static int make_changes(struct smtp_call *c, const struct smtp_changes *x)
{
	struct smtp_transaction *t = &c->s->t;
	int code = 0;

	if (x->new_sender)
		t->sender = arena_dup(&t->arena, x->sender);
	for (size_t i = 0; i < x->n_remove; i++)
		remove_recipient(t, x->remove[i]);
	for (size_t i = 0; i < x->n_add; i++)
		add_recipient(c, x->add[i]);
	if (t->n_recipients == 0)
		t->discard = true;
	if (x->pieces)
		code = smtp_transaction_replace(c, x->pieces, x->n_pieces);
	if (code == 0 && x->front.n)
		code = spool_front(t->spool, 0, x->front.p, x->front.n);
	return t->arena.failed ? ERR_NO_MEMORY : code;
}

static void refuse(struct smtp_call *c, enum smtp_stage stage, struct smtp_answer *a)
{
	bool lasting = a->code >= 500;

	for (char *p = a->text; *p; p++)
		if (ascii_is_cntrl((unsigned char)*p))
			*p = ' ';
	if (!a->enhanced[0])
		str_copy_c(a->enhanced, sizeof a->enhanced, lasting ? STR("5.7.1") : STR("4.7.1"));
	for (unsigned times = stage == SMTP_STAGE_MESSAGE ? smtp_reply_count(c) : 1; times--;)
		smtp_reply(c, a->code, a->enhanced, "%s", a->text[0] ? a->text : lasting ? "Refused" : "Try again later");
	if (a->code == 421 || stage == SMTP_STAGE_CONNECT)
		c->s->closing = true;
}

bool smtp_gates_pass(struct smtp_call *c, enum smtp_stage stage, const struct smtp_matter *m)
{
	struct smtp_matter matter = *m;

	for (size_t i = 0; i < c->service->n_gates && i < SMTP_GATES_MAX; i++) {
		const struct smtp_gate *gate = &c->service->gates[i];
		struct smtp_answer a = { .decision = SMTP_GO };
		gate->ask(gate->ctx, &c->s->gate_state[i], c, stage, &matter, &a);
		if (a.delay_ms > c->s->delay_ms)
			c->s->delay_ms = a.delay_ms < SMTP_DELAY_MS_MAX ? a.delay_ms : SMTP_DELAY_MS_MAX;
		if (a.decision == SMTP_REFUSE) {
			conn_log(c->conn, LOG_NOTICE, "smtp.gate-refused", LOG_LIST(LOG_C("gate", gate->name), LOG_U("code", a.code), LOG_C("text", a.text)));
			c->gate = gate->name;
			refuse(c, stage, &a);
			c->gate = NULL;
			return false;
		}
		c->s->t.junk |= a.decision == SMTP_QUARANTINE || (a.decision == SMTP_HOLD && !c->service->queue);
		c->s->t.hold |= a.decision == SMTP_HOLD && c->service->queue;
		c->s->t.discard |= a.decision == SMTP_DISCARD;
		if (stage != SMTP_STAGE_MESSAGE)
			continue;
		int code = make_changes(c, &a.changes);
		if (code == 0)
			code = spool_bytes(c->s->t.spool, &matter.message);          /* the next gate sees what this one made */
		if (code) {
			for (unsigned times = smtp_reply_count(c); times--;)
				smtp_reply_error(c, code, "Message");
			return false;
		}
	}
	return true;
}

void smtp_gates_end(struct smtp_call *c)
{
	for (size_t i = 0; i < c->service->n_gates && i < SMTP_GATES_MAX; i++) {
		const struct smtp_gate *gate = &c->service->gates[i];
		if (c->s->gate_state[i] && gate->end)
			gate->end(gate->ctx, c->s->gate_state[i]);
		c->s->gate_state[i] = NULL;
	}
}
