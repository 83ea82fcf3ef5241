#include "milter/chain.h"
#include "proto/smtp/gate_macros.h"
#include "proto/smtp/gates.h"
#include "proto/smtp/session.h"

#include <pthread.h>
#include <stdlib.h>

#define SCRATCH_MAX ((size_t)32 << 20)       /* bytes for header fields and macros of one stage */

struct smtp_milters {
	pthread_mutex_t lock;                /* a leaf; guards the pointer */
	struct milter_filters *newest;
};

/* One session with all filters. */
struct talk {
	struct milter_chain *chain;
	const struct smtp_call *c;           /* of the question at hand, for reports */
	struct arena scratch;                /* of the question at hand */
	struct milter_message message;
	struct milter_changes changes;
};

int smtp_milters_create(struct smtp_milters **out)
{
	struct smtp_milters *m = calloc(1, sizeof *m);

	*out = m;
	if (!m)
		return ERR_NO_MEMORY;
	pthread_mutex_init(&m->lock, NULL);
	return 0;
}

void smtp_milters_destroy(struct smtp_milters **m)
{
	if (!*m)
		return;
	milter_filters_unref(&(*m)->newest);
	pthread_mutex_destroy(&(*m)->lock);
	free(*m);
	*m = NULL;
}

void smtp_milters_set(struct smtp_milters *m, struct milter_filters *f)
{
	milter_filters_ref(f);
	pthread_mutex_lock(&m->lock);
	struct milter_filters *old = m->newest;
	m->newest = f;
	pthread_mutex_unlock(&m->lock);
	milter_filters_unref(&old);
}

/* ---- a session ---- */

METRIC_COUNTER(failures, "troika_smtp_milter_failures_total", "", "Filters that did not answer, or not as they should.");

static void report(void *ctx, const struct milter_filter *f, const char *problem)
{
	const struct talk *t = ctx;

	metric_add(&failures, 1);
	if (t->c)
		conn_log(t->c->conn, LOG_WARN, "milter.failed", LOG_LIST(LOG_S("filter", f->name), LOG_C("why", problem)));
}

/* What the question before has left. */
static void forget(struct talk *t)
{
	milter_message_fini(&t->message);
	milter_changes_fini(&t->changes);
	arena_reset(&t->scratch);
}

static void end(void *ctx, void *state)
{
	struct talk *t = state;

	(void)ctx;
	t->c = NULL;
	milter_chain_destroy(&t->chain);
	forget(t);
	arena_fini(&t->scratch);
	free(t);
}

/* NULL when there are no filters, or no memory to ask them. */
static struct talk *begin(struct smtp_milters *m)
{
	struct talk *t = NULL;

	pthread_mutex_lock(&m->lock);
	struct milter_filters *f = milter_filters_ref(m->newest);
	pthread_mutex_unlock(&m->lock);
	if (milter_filters_count(f) && (t = calloc(1, sizeof *t))) {
		arena_init(&t->scratch, SCRATCH_MAX);
		if (milter_chain_create(f, report, t, &t->chain)) {
			free(t);
			t = NULL;
		}
	}
	milter_filters_unref(&f);
	return t;
}

/* ---- answers ---- */

static void translate(const struct talk *t, const struct milter_result *r, struct smtp_answer *out)
{
	const struct milter_answer *a = &r->answer;

	switch (a->verdict) {
	case MILTER_CONTINUE:
	case MILTER_ACCEPT:
		return;
	case MILTER_DISCARD:
		out->decision = SMTP_DISCARD;
		break;
	case MILTER_REJECT:
	case MILTER_TEMPFAIL:
	case MILTER_SHUTDOWN:
		out->decision = SMTP_REFUSE;
		out->code = a->code;
		str_copy_c(out->enhanced, sizeof out->enhanced, str_from_c(a->enhanced));
		str_copy_c(out->text, sizeof out->text, a->text);
		break;
	}
	conn_log(t->c->conn, LOG_INFO, "milter.answer", LOG_LIST(LOG_S("filter", r->filter->name), LOG_U("code", a->code), LOG_U("failed", r->failed)));
}

static bool list_recipients(struct talk *t, struct smtp_changes *out)
{
	struct str *add, *remove;
	size_t n = 0;

	for (const struct milter_rcpt_edit *e = t->changes.rcpts; e; e = e->next)
		n++;
	add = arena_array(&t->scratch, n + 1, sizeof *add);
	remove = arena_array(&t->scratch, n + 1, sizeof *remove);
	if (!add || !remove)
		return false;
	out->add = add;
	out->remove = remove;
	for (const struct milter_rcpt_edit *e = t->changes.rcpts; e; e = e->next)
		*(e->add ? &add[out->n_add++] : &remove[out->n_remove++]) = e->address;
	return true;
}

/* What stands in front of an untouched message can be put there; else it is written anew. */
static bool list_pieces(struct talk *t, struct str original, struct smtp_changes *out)
{
	struct str *pieces;
	struct buf front = BUF_INIT(SMTP_FRONT_MAX / 2);
	size_t n;

	if (milter_message_pieces(&t->message, &pieces, &n))
		return false;
	if (n && pieces[n - 1].p == original.p && pieces[n - 1].n == original.n) {
		for (size_t i = 0; i + 1 < n; i++)
			buf_add_str(&front, pieces[i]);
		if (!front.failed) {
			out->front = arena_dup(&t->scratch, buf_str(&front));
			n = 0;
		}
	}
	if (n) {
		out->pieces = pieces;
		out->n_pieces = n;
	}
	buf_fini(&front);
	return !t->scratch.failed;
}

static void ask_message(struct talk *t, const struct milter_macros *x, const struct smtp_matter *m, struct smtp_answer *out)
{
	static const struct str own = STR_INIT("");      /* our Received is not written yet, and yet counts as a place */
	struct milter_result r = { .filter = NULL };

	milter_changes_init(&t->changes, &t->scratch, t->c->s->config->message_size_max);
	bool ok = milter_message_parse(&t->scratch, own, m->message, &t->message) == 0;
	if (ok)
		milter_chain_message(t->chain, x, &t->message, &t->changes, &r);
	translate(t, &r, out);
	if (!ok || out->decision == SMTP_REFUSE || out->decision == SMTP_DISCARD)
		goto end;
	out->changes.new_sender = t->changes.has_sender;
	out->changes.sender = t->changes.sender;
	ok = list_recipients(t, &out->changes) && list_pieces(t, m->message, &out->changes);
	if (t->changes.quarantine) {
		out->decision = SMTP_HOLD;
		conn_log(t->c->conn, LOG_NOTICE, "milter.quarantine", LOG_LIST(LOG_S("why", t->changes.reason), LOG_S("from", t->c->s->t.sender)));
	}
end:
	if (!ok)
		*out = (struct smtp_answer){ .decision = SMTP_REFUSE, .code = 451, .enhanced = "4.3.0", .text = "No memory to look at the message, try again later" };
}

/* ---- questions ---- */

/* "SIZE=10 BODY=8BITMIME" one by one. */
static size_t split_params(struct str params, struct str list[static SMTP_PARAMS_MAX])
{
	size_t n = 0;

	while ((params = str_trim(params)).n && n < SMTP_PARAMS_MAX)
		str_cut(params, ' ', &list[n++], &params);
	return n;
}

static void ask(void *ctx, void **state, const struct smtp_call *c, enum smtp_stage stage, const struct smtp_matter *m, struct smtp_answer *out)
{
	if (stage == SMTP_STAGE_CONNECT)
		*state = begin(ctx);
	struct talk *t = *state;
	if (!t)
		return;
	forget(t);
	t->c = c;
	struct smtp_macro_source source = { c, stage, m, &t->scratch };
	const struct milter_macros x = { smtp_macro, &source };
	struct milter_result r = { .filter = NULL };
	struct str params[SMTP_PARAMS_MAX];
	size_t n = split_params(m->params, params);

	switch (stage) {
	case SMTP_STAGE_CONNECT:
		milter_chain_connect(t->chain, &x, smtp_peer_literal(c, &t->scratch), &(struct net_endpoint){ c->s->peer.addr, c->s->peer.port }, &r);
		break;
	case SMTP_STAGE_HELO:
		milter_chain_helo(t->chain, &x, m->argument, &r);
		break;
	case SMTP_STAGE_MAIL:
		milter_chain_abort(t->chain);        /* what ended without a message: RSET, a refusal */
		milter_chain_mail(t->chain, &x, m->argument, params, n, &r);
		break;
	case SMTP_STAGE_RCPT:
	case SMTP_STAGE_REFUSED_RCPT:
		milter_chain_rcpt(t->chain, &x, m->argument, params, n, stage == SMTP_STAGE_REFUSED_RCPT, &r);
		break;
	case SMTP_STAGE_DATA:
		milter_chain_data(t->chain, &x, &r);
		break;
	case SMTP_STAGE_UNKNOWN:
		milter_chain_unknown(t->chain, &x, m->argument, &r);
		break;
	case SMTP_STAGE_MESSAGE:
		ask_message(t, &x, m, out);
		return;
	}
	translate(t, &r, out);
}

struct smtp_gate smtp_gate_milters(struct smtp_milters *m)
{
	return (struct smtp_gate){ .name = "milter", .ctx = m, .ask = ask, .end = end };
}
