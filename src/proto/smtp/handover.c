/* Who becomes responsible for a message: accounts at once, or the queue. One durable commit stands behind each 250, but where the envelope must differ.
 *
 * All targets are accounts and nobody asks for more: straight into them. Otherwise the whole message goes into the queue, local targets too, so that
 * nobody has it while others do not. What some accounts refuse after others have it waits in the queue for them. */
#include "proto/smtp/accept.h"

#include "base/clock.h"
#include "deliver/deliver.h"
#include "proto/smtp/forward.h"
#include "queue/queue.h"

_Static_assert((int)SMTP_NOTIFY_NEVER == QUEUE_NOTIFY_NEVER && (int)SMTP_NOTIFY_SUCCESS == QUEUE_NOTIFY_SUCCESS &&
			   (int)SMTP_NOTIFY_FAILURE == QUEUE_NOTIFY_FAILURE && (int)SMTP_NOTIFY_DELAY == QUEUE_NOTIFY_DELAY, "the queue keeps NOTIFY as it is parsed");

/* ---- the queue ---- */

static unsigned envelope_flags(const struct smtp_transaction *t)
{
	static const unsigned bodies[] = { [SMTP_BODY_8BITMIME] = QUEUE_8BIT, [SMTP_BODY_BINARYMIME] = QUEUE_BINARY };
	static const unsigned rets[] = { [SMTP_RET_FULL] = QUEUE_RET_FULL, [SMTP_RET_HDRS] = QUEUE_RET_HDRS };
	const struct smtp_wishes *w = &t->wishes;

	return bodies[t->body] | rets[w->ret] | (t->utf8 ? QUEUE_UTF8 : 0) | (t->junk ? QUEUE_JUNK : 0) | (t->hold ? QUEUE_HELD : 0) |
		   (w->require_tls ? QUEUE_REQUIRETLS : t->tls_optional ? QUEUE_TLS_OPTIONAL : 0) |
		   (w->has_by && w->by.returns ? QUEUE_BY_RETURN : 0) | (w->has_by && w->by.trace ? QUEUE_BY_TRACE : 0);
}

static void fill_envelope(const struct smtp_call *c, struct str sender, struct queue_envelope *out)
{
	const struct smtp_transaction *t = &c->s->t;
	int64_t now = clock_now();

	*out = (struct queue_envelope){
		.sender = sender, .flags = envelope_flags(t), .envid = t->wishes.envid, .priority = t->wishes.priority, .arrived = now,
		.not_before = t->wishes.hold_until, .user = str_from_c(c->s->user), .peer = str_from_c(c->s->forwarded.ip[0] ? c->s->forwarded.ip : c->s->peer.ip),
	};
	if (t->wishes.has_by)
		out->deliver_by = now + t->wishes.by.seconds;
}

/* RFC 3461 5.2.7.2: an alias for one passes everything on. 5.2.7.3: of an alias for many, failures are told for each; a success, which the sender
 * expects once, for the first. */
static unsigned notify_of(const struct smtp_call *c, const struct smtp_recipient *r, size_t target)
{
	if (c->s->t.junk || c->s->t.mistrusted)
		return SMTP_NOTIFY_NEVER;
	unsigned rest = r->notify & ~(unsigned)SMTP_NOTIFY_SUCCESS;

	if (target == 0 || !(r->notify & SMTP_NOTIFY_SUCCESS))
		return r->notify;
	return rest ? rest : SMTP_NOTIFY_NEVER;
}

/* An entry for one target. The original recipient is the one that was given, behind whatever alias (RFC 3461 5.2.1 d). */
static struct queue_recipient entry_of(struct smtp_call *c, const struct smtp_recipient *r, size_t target)
{
	const struct smtp_target *t = &r->targets[target];
	bool behind_alias = !r->relayed && (r->n_targets > 1 || t->away);
	/* alone, what is ours is called as it was given, with its subaddress */
	struct queue_recipient q = { .address = !t->away && !behind_alias ? r->address : t->address, .destination = t->destination, .notify = notify_of(c, r, target), .orcpt = r->orcpt };

	if (behind_alias && !q.orcpt.n)
		q.orcpt = arena_printf(&c->s->t.arena, "%s;%.*s", c->s->t.utf8 ? "utf-8" : "rfc822", STR_ARG(r->address));
	return q;
}

/* The targets that one submission is for. */
struct selection {
	const struct deliver_recipient *results;      /* only those whose result is a failure; NULL: whatever it is */
	bool by_sender, forwarded;                    /* only those that an alias sends away (or only the others) */
	struct str sender;
};

static bool is_selected(const struct selection *x, const struct smtp_recipient *r, size_t target, size_t number)
{
	bool forwarded = r->targets[target].away && !r->relayed;

	return (!x->results || x->results[number].result) && (!x->by_sender || forwarded == x->forwarded);
}

static int enqueue(struct smtp_call *c, struct str message, const struct selection *x, uint64_t *id_out)
{
	struct smtp_transaction *t = &c->s->t;
	struct queue_recipient *entries = arena_array(&t->arena, t->n_targets, sizeof *entries);
	struct queue_submission s = { .pieces = &message, .n_pieces = 1, .recipients = entries };
	struct err e = { 0 };
	size_t n = 0;

	if (!entries)
		return ERR_NO_MEMORY;
	for (const struct smtp_recipient *r = t->first; r; r = r->next)
		for (size_t i = 0; i < r->n_targets; i++, n++)
			if (is_selected(x, r, i, n))
				entries[s.n_recipients++] = entry_of(c, r, i);
	if (t->arena.failed)
		return ERR_NO_MEMORY;
	if (s.n_recipients == 0)
		return 0;
	fill_envelope(c, x->sender, &s.envelope);
	int code = queue_submit(c->service->queue, &s, id_out, &e);
	if (code)
		conn_log(c->conn, LOG_WARN, "smtp.queue-failed", LOG_LIST(LOG_S("from", t->sender), LOG_C("why", err_text(code)), LOG_C("error", e.log)));
	return code;
}

/* ---- accounts ---- */

/* Final delivery puts the reverse-path in front (RFC 5321 4.4). */
static int add_return_path(struct smtp_call *c, size_t *added_out)
{
	struct buf b = BUF_INIT(SMTP_FRONT_MAX);

	buf_printf(&b, "Return-Path: <%.*s>\r\n", STR_ARG(c->s->t.sender));
	int code = b.failed ? ERR_NO_MEMORY : spool_front(c->s->t.spool, 0, b.p, b.n);
	*added_out = b.n;
	buf_fini(&b);
	return code;
}

/* Hands the message to deliver; one result for each target, in the arena. */
static int deliver(struct smtp_call *c, struct str message, struct deliver_recipient **out)
{
	struct smtp_transaction *t = &c->s->t;
	struct deliver_recipient *all = arena_array(&t->arena, t->n_targets, sizeof *all);
	struct err e = { 0 };
	size_t n = 0;

	if (!all)
		return ERR_NO_MEMORY;
	for (const struct smtp_recipient *r = t->first; r; r = r->next)
		for (size_t i = 0; i < r->n_targets; i++)
			all[n++] = (struct deliver_recipient){ .account = r->targets[i].account, .detail = r->targets[i].detail };
	*out = all;
	int code = deliver_message_into(services_model(c->service->services), t->junk ? STR("Junk") : STR_NONE, message, clock_now(), all, n, &e);
	if (code)
		conn_log(c->conn, LOG_WARN, "smtp.deliver-failed", LOG_LIST(LOG_S("from", t->sender), LOG_C("why", err_text(code)), LOG_C("error", e.log)));
	return code;
}

static bool somebody_has_it(const struct smtp_call *c, const struct deliver_recipient *results)
{
	for (unsigned i = 0; i < c->s->t.n_targets; i++)
		if (results[i].result == 0)
			return true;
	return false;
}

static void hand_to_accounts(struct smtp_call *c, struct smtp_handover *out)
{
	struct deliver_recipient *results = NULL;
	struct str message;
	size_t ours = 0;

	out->code = add_return_path(c, &ours);
	if (out->code == 0)
		out->code = spool_bytes(c->s->t.spool, &message);
	if (out->code == 0)
		out->code = deliver(c, message, &results);
	if (c->service->mode == SMTP_LMTP)
		out->results = results;
	/* Some have it and some do not, and one reply must do for all: the queue takes on the others. Without one the sender tries again, a second copy
	 * for the first rather than a loss for the others. */
	else if (out->code && results && c->service->queue && somebody_has_it(c, results))
		out->code = enqueue(c, str_from(message, ours), &(struct selection){ .results = results, .sender = c->s->t.sender }, &out->queue_id);
}

static bool needs_queue(const struct smtp_call *c)
{
	const struct smtp_transaction *t = &c->s->t;
	bool tell = false;

	for (const struct smtp_recipient *r = t->first; r && !tell; r = r->next)
		tell = notify_of(c, r, 0) & SMTP_NOTIFY_SUCCESS;
	return t->n_queued || t->wishes.hold_until || t->hold || tell;
}

/* What aliases send away has a reverse-path of its own, and so an entry of its own: the one case of two commits. When the second fails, the sender tries
 * all again. */
static int hand_to_queue(struct smtp_call *c, struct str message, uint64_t *id_out)
{
	struct str sender = c->s->t.sender, forwarded = smtp_forward_sender(c);
	struct selection x = { .by_sender = !str_eq(sender, forwarded), .sender = sender };

	int code = enqueue(c, message, &x, id_out);
	if (code || !x.by_sender)
		return code;
	x.sender = forwarded;
	x.forwarded = true;
	return enqueue(c, message, &x, id_out);
}

void smtp_hand_over(struct smtp_call *c, struct smtp_handover *out)
{
	struct str message;

	*out = (struct smtp_handover){ 0 };
	if (!needs_queue(c)) {
		hand_to_accounts(c, out);
		return;
	}
	out->code = spool_bytes(c->s->t.spool, &message);
	if (out->code == 0)
		out->code = hand_to_queue(c, message, &out->queue_id);
}
