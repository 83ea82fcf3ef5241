#include "outbound/delivery.h"

#include "base/clock.h"
#include "outbound/drop.h"
#include "outbound/envelope.h"
#include "outbound/message.h"
#include "outbound/relay.h"
#include "outbound/source.h"
#include "rt/log.h"

/* A job on its way. */
struct delivery {
	struct outbound *o;
	const struct setup *setup;
	const struct route *route;
	struct queue_job *job;
	struct message message;
	struct relay relay;
	struct str key;                       /* which resting sessions fit */
	struct queue_job_recipient **todo;    /* without a result, or with one that another host may better */
	size_t n_todo;
	/* for the log: who had the last word */
	char relayed_by[320], tls[48];
};

/* ---- results ---- */

static void set_result(struct queue_job *j, struct queue_job_recipient *r, int outcome, const char *status, struct str reply, struct str remote)
{
	r->result = (struct queue_result){ .outcome = outcome, .status = arena_dup(&j->arena, str_from_c(status)), .reply = arena_dup(&j->arena, reply),
									   .remote = arena_dup(&j->arena, remote) };
}

/* Those that have none yet. */
static void set_rest(struct queue_job *j, const struct trouble *t)
{
	for (size_t i = 0; i < j->n_recipients; i++)
		if (j->recipients[i].result.outcome == 0)
			set_result(j, &j->recipients[i], trouble_is_permanent(t) ? QUEUE_FAILED : QUEUE_DELAYED, t->status, str_from_c(t->text), str_from_c(t->remote));
}

static void log_result(const struct delivery *d, const struct queue_job_recipient *r)
{
	static const struct { const char *event; int outcome; enum log_level level; } events[] = {
		{ "outbound.delivered", QUEUE_DELIVERED, LOG_INFO }, { "outbound.relayed", QUEUE_RELAYED, LOG_INFO }, { "outbound.expanded", QUEUE_EXPANDED, LOG_INFO },
		{ "outbound.failed", QUEUE_FAILED, LOG_NOTICE }, { "outbound.deferred", QUEUE_DELAYED, LOG_NOTICE } };

	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (events[i].outcome == r->result.outcome && log_wants(events[i].level))
			log_event(events[i].level, events[i].event, LOG_LIST(LOG_X("id", d->job->id), LOG_S("from", d->job->envelope.sender), LOG_S("to", r->r.address),
					  LOG_C("relay", d->relayed_by), LOG_C("tls", d->tls), LOG_I("delay", clock_now() - d->job->envelope.arrived), LOG_U("attempt", r->attempts + 1),
					  LOG_S("status", r->result.status), LOG_S("reply", r->result.reply)));
}

static void count_result(struct outbound *o, int outcome)
{
	o->counters.delivered += outcome == QUEUE_DELIVERED || outcome == QUEUE_EXPANDED;
	o->counters.relayed += outcome == QUEUE_RELAYED;
	o->counters.failed += outcome == QUEUE_FAILED;
	o->counters.deferred += outcome == QUEUE_DELAYED;
}

static void finish(struct delivery *d)
{
	for (size_t i = 0; i < d->job->n_recipients; i++) {
		struct queue_job_recipient *r = &d->job->recipients[i];
		/* Cut off by our own end: not the recipient's fault, and no attempt. */
		if (d->o->cancel && r->result.outcome == QUEUE_DELAYED)
			r->result = (struct queue_result){ 0 };
		count_result(d->o, r->result.outcome);
		log_result(d, r);
	}
	uint64_t id = d->job->id;
	int r = queue_finish(d->o->env.queue, &d->job);
	if (r)
		log_event(LOG_ERROR, "outbound.not-written-down", LOG_LIST(LOG_X("id", id), LOG_C("error", err_text(r)), LOG_C("means", "kept in memory until the store can write")));
}

/* ---- over a session ---- */

/* False: all have a result that stands. */
static bool find_todo(struct delivery *d, bool again)
{
	d->n_todo = 0;
	for (size_t i = 0; i < d->job->n_recipients; i++) {
		struct queue_job_recipient *r = &d->job->recipients[i];
		if (r->result.outcome == 0 || (again && r->result.outcome == QUEUE_DELAYED))
			d->todo[d->n_todo++] = r;
	}
	return d->n_todo > 0;
}

static void note_session(struct delivery *d, const struct client *c)
{
	char ip[NET_TEXT_MAX];

	net_addr_format(&client_peer(c)->addr, ip);
	if (d->route->path)
		str_copy_c(d->relayed_by, sizeof d->relayed_by, client_host(c));
	else
		snprintf(d->relayed_by, sizeof d->relayed_by, "%.*s[%s]:%u", STR_ARG(client_host(c)), ip, client_peer(c)->port);
	str_copy_c(d->tls, sizeof d->tls, str_from_c(client_tls_text(c)));
}

/* One transaction after the other until every recipient at hand has a result. 0, or the error that ended the session; ERR_BUSY: its source address
 * has sent what it may. */
static int send_todo(struct delivery *d, struct client *c, bool *lost_out)
{
	bool verp = (d->job->envelope.flags & QUEUE_VERP) != 0;
	size_t most = verp ? 1 : RELAY_RECIPIENTS_MAX;
	struct queue_result before[RELAY_RECIPIENTS_MAX];
	int r = 0;

	while (r == 0 && d->n_todo > 0) {
		struct client_mail m = { .job = d->job, .sender = d->job->envelope.sender, .message = &d->message, .recipients = d->todo,
								 .n = d->n_todo < most ? d->n_todo : most };
		if (verp)
			m.sender = envelope_verp(&d->job->arena, m.sender, d->todo[0]->r.address);
		if (!source_take(d->o, d->route, client_local(c)))
			return ERR_BUSY;
		for (size_t i = 0; i < m.n; i++) {
			before[i] = d->todo[i]->result;
			d->todo[i]->result = (struct queue_result){ 0 };
		}
		r = client_send(c, &m);
		*lost_out |= m.lost_after_data;
		/* A host before this one may take it later: that stands against a refusal. */
		for (size_t i = 0; i < m.n; i++)
			if (before[i].outcome == QUEUE_DELAYED && d->todo[i]->result.outcome == QUEUE_FAILED)
				d->todo[i]->result = before[i];
		/* What is left without a result goes first, before those that were not at hand. */
		size_t kept = 0;
		for (size_t i = 0; i < d->n_todo; i++)
			if (i >= m.n || d->todo[i]->result.outcome == 0)
				d->todo[kept++] = d->todo[i];
		d->n_todo = kept;
		if (r == 0 && d->n_todo > 0 && !client_is_usable(c))
			r = ERR_CLOSED;
	}
	return r;
}

/* Deals with the session afterwards. */
static void put_away(struct delivery *d, struct client **c, int r, bool share)
{
	if (r == 0 && share && !d->o->stopping && client_is_usable(*c) &&
		idle_put(d->o->idle, d->key, *c, clock_mono_ms() + d->setup->config.idle_ms)) {
		*c = NULL;
		return;
	}
	outbound_close_client(d->o, c);
}

/* True: nothing more may be tried now. */
static bool use_session(struct delivery *d, struct client *c, bool share)
{
	bool lost = false;

	note_session(d, c);
	int r = send_todo(d, c, &lost);
	d->o->counters.lost_after_data += lost;
	put_away(d, &c, r, share);
	/* RFC 1047: after the end of data it may have been taken. Another host at once would double it for certain. */
	return lost;
}

/* A resting session that fits, or NULL. For RFC 8689 it must be verified by a name that was learnt securely, which only the published policies see to, or
 * the route itself. */
static struct client *take_resting(struct delivery *d)
{
	bool require = (d->job->envelope.flags & QUEUE_REQUIRETLS) && d->job->envelope.sender.n;
	struct client *c;

	while ((c = idle_take(d->o->idle, d->key))) {
		bool name_is_right = d->route->tls == ROUTE_TLS_POLICY || !d->route->mx;
		if (client_is_usable(c) && (!require || (name_is_right && client_is_verified(c) && (client_ehlo(c)->extensions & SMTP_EXT_REQUIRETLS))))
			return c;
		outbound_close_client(d->o, &c);
	}
	return NULL;
}

static void walk_hosts(struct delivery *d)
{
	bool share = true, over = false;
	struct client *c = take_resting(d);

	if (c) {
		d->o->counters.reused++;
		over = use_session(d, c, true);
		/* Whoever was answered has an answer. The rest, when the session broke, goes on below. */
		if (over || !find_todo(d, false))
			return;
	}
	while (!over && relay_next(&d->relay, &c, &share) == 0) {
		queue_destination_ok(d->o->env.queue, d->job->destination);
		over = use_session(d, c, share);
		/* RFC 5321 5.1, 4.5.4.1: who was refused for now may be taken by another host. */
		if (!find_todo(d, !over && relay_has_more(&d->relay)))
			return;
	}
	if (!d->relay.reached && d->relay.trouble.status[0] && !trouble_is_permanent(&d->relay.trouble) && !d->o->cancel)
		queue_destination_failed(d->o->env.queue, d->job->destination, str_from_c(d->relay.trouble.status), str_from_c(d->relay.trouble.text),
								 str_from_c(d->relay.trouble.remote));
}

static void deliver_by_session(struct delivery *d)
{
	struct arena a = ARENA_INIT(0);
	struct trouble t;

	int r = message_open(d->o->env.queue, d->o->env.store, d->job, &d->message);
	d->todo = arena_array(&a, d->job->n_recipients, sizeof(struct queue_job_recipient *));
	d->key = arena_printf(&a, "%u %.*s %.*s", d->setup->generation, STR_ARG(d->route->pattern), STR_ARG(d->route->host.n || d->route->path ? STR_NONE : d->job->destination));
	if (r == 0 && (!d->todo || !d->key.p))
		r = ERR_NO_MEMORY;
	if (r == 0) {
		relay_init(&d->relay, d->o, d->setup, d->route, d->job, &a);
		find_todo(d, false);
		walk_hosts(d);
		t = d->relay.trouble;
		/* What one host said for good does not speak for recipients whom another one was asked about, or would have been. */
		bool unanswered = d->relay.sessions > 0 || d->o->cancel || relay_has_more(&d->relay);
		if (!t.status[0] || (unanswered && trouble_is_permanent(&t)))
			trouble_set(&t, "4.4.2", "the session ended early");
	} else {
		trouble_set(&t, "4.3.0", "the stored message cannot be read: %s", err_text(r));
	}
	set_rest(d->job, &t);
	message_close(&d->message);
	arena_fini(&a);
}

/* ---- the other ways ---- */

static void deliver_to_files(struct delivery *d)
{
	struct err e = { 0 };

	str_copy_c(d->relayed_by, sizeof d->relayed_by, str_from_c(d->route->path));
	int r = message_open(d->o->env.queue, d->o->env.store, d->job, &d->message);
	for (size_t i = 0; i < d->job->n_recipients; i++) {
		struct queue_job_recipient *to = &d->job->recipients[i];
		struct drop drop = { .sender = d->job->envelope.sender, .recipient = to->r.address, .message = d->message.bytes, .id = d->job->id, .index = to->index };
		int one = r;
		if (one == 0)
			one = d->route->kind == ROUTE_MAILDIR ? drop_maildir(d->route->path, &drop, &e) : drop_mbox(d->route->path, &drop, &d->o->cancel, &e);
		if (one == 0 && !message_is_intact(&d->message))
			one = err_set(&e, ERR_IO, NULL, "the stored message could not be read");
		if (one == 0)
			set_result(d->job, to, QUEUE_DELIVERED, "2.0.0", STR("delivered to file"), STR_NONE);
		else
			set_result(d->job, to, QUEUE_DELAYED, "4.3.0", str_from_c(e.log[0] ? e.log : err_text(one)), STR_NONE);
	}
	message_close(&d->message);
}

static void deliver_nowhere(struct delivery *d)
{
	bool refuse = d->route->kind == ROUTE_ERROR;
	int outcome = !refuse ? QUEUE_DELIVERED : d->route->status.p[0] == '5' ? QUEUE_FAILED : QUEUE_DELAYED;
	const char *status = refuse ? arena_dup(&d->job->arena, d->route->status).p : "2.0.0";

	for (size_t i = 0; i < d->job->n_recipients; i++)
		set_result(d->job, &d->job->recipients[i], outcome, status ? status : "4.3.0", refuse ? d->route->text : STR("discarded"), STR_NONE);
}

static void deliver_here(struct delivery *d)
{
	str_copy_c(d->relayed_by, sizeof d->relayed_by, STR("local"));
	d->o->counters.local++;
	d->o->env.deliver_local(d->o->env.local_ctx, d->job);
}

void delivery_run(struct outbound *o, const struct setup *s, struct queue_job *j)
{
	struct delivery d = { .o = o, .setup = s, .job = j };

	o->counters.jobs++;
	str_copy_c(d.relayed_by, sizeof d.relayed_by, STR("none"));
	str_copy_c(d.tls, sizeof d.tls, STR("none"));
	if (str_eq(j->destination, STR(QUEUE_LOCAL))) {
		deliver_here(&d);
	} else {
		d.route = routes_find(s->routes, j->destination);
		switch (d.route->kind) {
		case ROUTE_SMTP:
		case ROUTE_LMTP:
			deliver_by_session(&d);
			break;
		case ROUTE_MAILDIR:
		case ROUTE_MBOX:
			deliver_to_files(&d);
			break;
		case ROUTE_DISCARD:
		case ROUTE_ERROR:
			deliver_nowhere(&d);
			break;
		}
	}
	finish(&d);
}
