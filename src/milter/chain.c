#include "milter/chain.h"

#include <stdlib.h>

struct link {
	struct milter *m;            /* NULL: not connected, or out until the next MAIL */
};
struct milter_chain {
	struct milter_filters *filters;
	milter_report_fn *report;
	void *report_ctx;
	/* what a filter that comes later must be told first */
	char *hostname, *helo;       /* malloc'ed; NULL before */
	struct net_endpoint peer;
	bool has_peer;
	struct milter_result refusal;        /* of the connection; its text is refusal_text */
	char *refusal_text;
	size_t n;
	struct link links[];
};

enum event_kind { AT_CONNECT, AT_HELO, AT_MAIL, AT_RCPT, AT_DATA, AT_UNKNOWN, AT_MESSAGE };
struct event {
	enum event_kind kind;
	struct str text;             /* host name, HELO name, address, unknown line */
	const struct str *arguments;
	size_t n;
	bool refused;
	struct milter_message *message;
	struct milter_changes *changes;
};

int milter_chain_create(struct milter_filters *f, milter_report_fn *report, void *report_ctx, struct milter_chain **out)
{
	size_t n = milter_filters_count(f);
	struct milter_chain *c = calloc(1, sizeof *c + n * sizeof c->links[0]);

	*out = c;
	if (!c)
		return ERR_NO_MEMORY;
	c->filters = milter_filters_ref(f);
	c->report = report;
	c->report_ctx = report_ctx;
	c->n = n;
	return 0;
}

void milter_chain_destroy(struct milter_chain **c)
{
	if (!*c)
		return;
	milter_chain_abort(*c);
	for (size_t i = 0; i < (*c)->n; i++)
		milter_filters_give((*c)->filters, i, &(*c)->links[i].m);
	milter_filters_unref(&(*c)->filters);
	free((*c)->hostname);
	free((*c)->helo);
	free((*c)->refusal_text);
	free(*c);
	*c = NULL;
}

/* ---- one filter ---- */

static int tell(const struct milter_chain *c, struct milter *m, const struct milter_macros *x, const struct event *e, struct milter_answer *out)
{
	switch (e->kind) {
	case AT_CONNECT:
		return milter_connect(m, x, e->text, c->has_peer ? &c->peer : NULL, out);
	case AT_HELO:
		return milter_helo(m, x, e->text, out);
	case AT_MAIL:
		return milter_mail(m, x, e->text, e->arguments, e->n, out);
	case AT_RCPT:
		return milter_rcpt(m, x, e->text, e->arguments, e->n, e->refused, out);
	case AT_DATA:
		return milter_data(m, x, out);
	case AT_UNKNOWN:
		return milter_unknown(m, x, e->text, out);
	case AT_MESSAGE:
		break;
	}
	struct milter_changes before = *e->changes;
	int r = milter_message(m, x, e->message, e->changes, out);
	if (r == 0)
		r = milter_message_apply(e->message, e->changes);
	if (r)
		milter_changes_undo(e->changes, &before);
	return r;
}

static bool is_refusal(enum milter_verdict v) { return v != MILTER_CONTINUE && v != MILTER_ACCEPT; }

/* Tells a filter that was not there what has happened so far. What it says to that is in out. */
static int catch_up(const struct milter_chain *c, struct milter *m, const struct milter_macros *x, struct milter_answer *out)
{
	struct event connect = { .kind = AT_CONNECT, .text = str_from_c(c->hostname) };
	struct event helo = { .kind = AT_HELO, .text = str_from_c(c->helo) };
	int r = 0;

	*out = (struct milter_answer){ .verdict = MILTER_CONTINUE };
	if (c->hostname)
		r = tell(c, m, x, &connect, out);
	if (r == 0 && c->helo && !is_refusal(out->verdict))
		r = tell(c, m, x, &helo, out);
	return r;
}

/* Opens a conversation, tells it what it missed, and asks. One that waited in `filters` may turn out to be broken: then the next, at last a new one. */
static int open_and_ask(struct milter_chain *c, size_t i, const struct milter_macros *x, const struct event *e, struct milter_answer *out,
						bool *of_connection_out, struct err *problem)
{
	struct link *l = &c->links[i];
	bool is_new = false;
	int r;

	do {
		milter_close(&l->m);
		r = milter_filters_take(c->filters, i, &l->m, &is_new, problem);
		if (r)
			break;
		if (e->kind == AT_MAIL) {
			r = catch_up(c, l->m, x, out);
			*of_connection_out = is_refusal(out->verdict);
		}
		if (r == 0 && !is_refusal(out->verdict))
			r = tell(c, l->m, x, e, out);
	} while (r && !is_new);
	return r;
}

/* Asks one filter; false when it failed. */
static bool ask(struct milter_chain *c, size_t i, const struct milter_macros *x, const struct event *e, struct milter_answer *out,
				bool *of_connection_out)
{
	struct link *l = &c->links[i];
	bool may_open = e->kind == AT_CONNECT || e->kind == AT_MAIL;      /* nothing of a transaction would be lost */
	struct err problem = { 0 };
	int r = ERR_CLOSED;

	*out = (struct milter_answer){ .verdict = MILTER_CONTINUE };
	*of_connection_out = e->kind == AT_CONNECT || e->kind == AT_HELO;
	if (!l->m && !may_open)
		return false;
	if (l->m)
		r = tell(c, l->m, x, e, out);
	if (r && may_open)
		r = open_and_ask(c, i, x, e, out, of_connection_out, &problem);
	const char *what = l->m ? milter_problem(l->m) : problem.log;
	if (r && r != ERR_BUSY)                    /* busy: told already by the session that noticed */
		c->report(c->report_ctx, milter_filters_at(c->filters, i), *what ? what : err_text(r));
	if (r)
		milter_close(&l->m);
	return r == 0;
}

/* What is answered for a filter that cannot be asked. */
static void fail(const struct milter_filter *f, struct milter_result *out)
{
	bool reject = f->on_failure == MILTER_FAIL_REJECT;

	out->filter = f;
	out->failed = true;
	out->answer = (struct milter_answer){ .verdict = reject ? MILTER_REJECT : MILTER_TEMPFAIL, .code = reject ? 550 : 451,
		.text = reject ? STR("Refused: a content filter is out of order") : STR("A content filter is out of order, try again later") };
	str_copy_c(out->answer.enhanced, sizeof out->answer.enhanced, reject ? STR("5.3.0") : STR("4.3.0"));
}

/* ---- all filters ---- */

/* Remembers a refusal of the connection, for every MAIL to come. */
static void remember_refusal(struct milter_chain *c, const struct milter_result *r)
{
	c->refusal = *r;
	c->refusal_text = str_dup_c(r->answer.text);
	c->refusal.answer.text = str_from_c(c->refusal_text);
}

static void run(struct milter_chain *c, const struct milter_macros *x, const struct event *e, struct milter_result *out)
{
	*out = (struct milter_result){ .filter = NULL };
	if (is_refusal(c->refusal.answer.verdict)) {
		if (e->kind == AT_MAIL)
			*out = c->refusal;
		return;
	}
	for (size_t i = 0; i < c->n && !out->filter; i++) {
		const struct milter_filter *f = milter_filters_at(c->filters, i);
		struct milter_answer a;
		bool of_connection;
		if (ask(c, i, x, e, &a, &of_connection)) {
			if (is_refusal(a.verdict))
				*out = (struct milter_result){ .answer = a, .filter = f };
			if (out->filter && of_connection)
				remember_refusal(c, out);
		} else if (e->kind != AT_CONNECT && e->kind != AT_HELO && e->kind != AT_UNKNOWN && f->on_failure != MILTER_FAIL_ACCEPT) {
			fail(f, out);
		}
	}
}

static void keep(char **to, struct str s)
{
	free(*to);
	*to = str_dup_c(s);
}

void milter_chain_connect(struct milter_chain *c, const struct milter_macros *x, struct str hostname, const struct net_endpoint *peer,
						  struct milter_result *out)
{
	keep(&c->hostname, hostname);
	c->has_peer = peer != NULL;
	if (peer)
		c->peer = *peer;
	run(c, x, &(struct event){ .kind = AT_CONNECT, .text = hostname }, out);
}

void milter_chain_helo(struct milter_chain *c, const struct milter_macros *x, struct str helo, struct milter_result *out)
{
	free(c->helo);
	c->helo = NULL;              /* who catches up now is told by the event itself */
	run(c, x, &(struct event){ .kind = AT_HELO, .text = helo }, out);
	c->helo = str_dup_c(helo);
}

void milter_chain_mail(struct milter_chain *c, const struct milter_macros *x, struct str address, const struct str *arguments, size_t n,
					   struct milter_result *out)
{
	run(c, x, &(struct event){ .kind = AT_MAIL, .text = address, .arguments = arguments, .n = n }, out);
}

void milter_chain_rcpt(struct milter_chain *c, const struct milter_macros *x, struct str address, const struct str *arguments, size_t n, bool refused,
					   struct milter_result *out)
{
	run(c, x, &(struct event){ .kind = AT_RCPT, .text = address, .arguments = arguments, .n = n, .refused = refused }, out);
	if (refused)
		*out = (struct milter_result){ .filter = NULL };
}

void milter_chain_data(struct milter_chain *c, const struct milter_macros *x, struct milter_result *out)
{
	run(c, x, &(struct event){ .kind = AT_DATA }, out);
}

void milter_chain_unknown(struct milter_chain *c, const struct milter_macros *x, struct str line, struct milter_result *out)
{
	run(c, x, &(struct event){ .kind = AT_UNKNOWN, .text = line }, out);
}

void milter_chain_message(struct milter_chain *c, const struct milter_macros *x, struct milter_message *message, struct milter_changes *changes,
						  struct milter_result *out)
{
	run(c, x, &(struct event){ .kind = AT_MESSAGE, .message = message, .changes = changes }, out);
}

void milter_chain_abort(struct milter_chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->links[i].m && milter_abort(c->links[i].m))
			milter_close(&c->links[i].m);       /* the next MAIL opens another */
}
