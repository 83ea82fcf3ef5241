#include "proto/smtp/extension.h"

#include "base/clock.h"
#include "codec/smtp/path.h"
#include "proto/smtp/command.h"

/* ---- when ---- */

static bool has_queue(const struct smtp_call *c) { return c->service->queue; }
static bool has_model(const struct smtp_call *c) { return services_model(c->service->services); }
static bool can_tls(const struct smtp_call *c) { return conn_can_tls(c->conn); }

/* RFC 8689 section 2: only in a session with TLS. */
static bool has_queue_and_tls(const struct smtp_call *c) { return c->service->queue && conn_has_tls(c->conn); }

/* RFC 6710 section 3: submission and LMTP, and relays by agreement. */
static bool takes_priority(const struct smtp_call *c)
{
	return c->service->queue && (c->service->mode == SMTP_SUBMISSION || network_list_has(c->s->config->smtp_priority_from, &c->s->peer.addr));
}

static bool refuses_classes(const struct smtp_call *c) { return smtp_param_solicit(c->s->config->smtp_no_soliciting) == NULL; }

/* ---- what ---- */

static void describe_size(const struct smtp_call *c, struct buf *out) { buf_add_u64(out, c->s->config->message_size_max); }
static void describe_classes(const struct smtp_call *c, struct buf *out) { buf_add_str(out, c->s->config->smtp_no_soliciting); }
static void describe_by(const struct smtp_call *c, struct buf *out) { buf_add_u64(out, c->s->config->smtp_deliver_by_min_ms / 1000); }
static void describe_auth(const struct smtp_call *c, struct buf *out) { sasl_mechanisms(c->conn, c->s->config, out); }

/* RFC 9422 section 4. */
static void describe_limits(const struct smtp_call *c, struct buf *out)
{
	buf_printf(out, "MAILMAX=%u RCPTMAX=%u", SMTP_TRANSACTIONS_MAX, c->s->config->smtp_recipients_max);
}

/* RFC 4468 3.1 and 3.3: without arguments it says that AUTH is needed. */
static void describe_burl(const struct smtp_call *c, struct buf *out)
{
	if (c->s->user)
		buf_add_lit(out, "imap");
}

/* RFC 4865 section 3: the longest interval, and the latest moment. */
static void describe_hold(const struct smtp_call *c, struct buf *out)
{
	uint64_t most = c->s->config->submission_hold_max_ms / 1000;

	buf_add_u64(out, most);
	buf_add_char(out, ' ');
	smtp_format_utc(out, clock_now() + (int64_t)most);
}

/* ---- parameters of MAIL ---- */

static const char *take_size(struct smtp_call *c, struct str value) { return smtp_param_size(value, &c->s->t.size_declared); }
static const char *take_body(struct smtp_call *c, struct str value) { return smtp_param_body(value, &c->s->t.body); }
static const char *take_ret(struct smtp_call *c, struct str value) { return smtp_param_ret(value, &c->s->t.wishes.ret); }

static const char *take_utf8(struct smtp_call *c, struct str value)
{
	(void)value;
	c->s->t.utf8 = true;
	return NULL;
}

static const char *take_require_tls(struct smtp_call *c, struct str value)
{
	(void)value;
	c->s->t.wishes.require_tls = true;
	return NULL;
}

/* RFC 4954 section 5: accepted from everybody, believed from nobody. */
static const char *take_auth(struct smtp_call *c, struct str value)
{
	(void)c, (void)value;
	return NULL;
}

static const char *take_envid(struct smtp_call *c, struct str value)
{
	struct buf b = BUF_INIT(SMTP_ENVID_MAX);
	const char *wrong = smtp_param_envid(value, &b);

	if (!wrong)
		c->s->t.wishes.envid = arena_dup(&c->s->t.arena, buf_str(&b));
	buf_fini(&b);
	return wrong;
}

static const char *take_by(struct smtp_call *c, struct str value)
{
	c->s->t.wishes.has_by = true;
	return smtp_param_by(value, &c->s->t.wishes.by);
}

/* RFC 4865 4.2.9: only one of the two. */
static const char *take_hold(struct smtp_call *c, int64_t until)
{
	struct smtp_wishes *w = &c->s->t.wishes;
	int64_t now = clock_now();

	if (w->hold_until)
		return "HOLDFOR and HOLDUNTIL exclude each other";
	if (until > now + (int64_t)(c->s->config->submission_hold_max_ms / 1000))
		return "held longer than the limit that EHLO told";
	if (until < now)
		return "the time of HOLDUNTIL has passed";
	w->hold_until = until;
	return NULL;
}

static const char *take_holdfor(struct smtp_call *c, struct str value)
{
	uint64_t seconds;
	const char *wrong = smtp_param_holdfor(value, &seconds);

	return wrong ? wrong : take_hold(c, clock_now() + (int64_t)seconds);
}

static const char *take_holduntil(struct smtp_call *c, struct str value)
{
	int64_t until;
	const char *wrong = smtp_param_holduntil(value, &until);

	return wrong ? wrong : take_hold(c, until);
}

/* RFC 6710 4.1: nobody untrusted gets a priority above the usual. */
static const char *take_priority(struct smtp_call *c, struct str value)
{
	struct smtp_wishes *w = &c->s->t.wishes;
	const char *wrong = smtp_param_priority(value, &w->priority_asked);
	bool trusted = c->s->user || network_list_has(c->s->config->smtp_priority_from, &c->s->peer.addr);

	if (wrong)
		return wrong;
	w->has_priority = true;
	w->priority = w->priority_asked > 0 && !trusted ? 0 : w->priority_asked;
	return NULL;
}

static const char *take_solicit(struct smtp_call *c, struct str value)
{
	const char *wrong = smtp_param_solicit(value);

	if (!wrong)
		c->s->t.wishes.solicit = arena_dup(&c->s->t.arena, value);
	return wrong;
}

/* ---- parameters of RCPT ---- */

static const char *take_notify(struct smtp_call *c, struct str value) { return smtp_param_notify(value, &c->recipient->notify); }

static const char *take_orcpt(struct smtp_call *c, struct str value)
{
	struct buf b = BUF_INIT(SMTP_ORCPT_MAX);
	const char *wrong = smtp_param_orcpt(value, c->s->t.utf8, &b);

	if (!wrong)
		c->recipient->orcpt = arena_dup(&c->s->t.arena, buf_str(&b));
	buf_fini(&b);
	return wrong;
}

/* ---- the table ---- */

#define MAIL .verb = SMTP_PARAM_OF_MAIL
#define RCPT .verb = SMTP_PARAM_OF_RCPT

static const struct smtp_extension table[] = {
	{ .keyword = "PIPELINING", .where = SMTP_EVERYWHERE, .rfc = "2920" },
	{ .keyword = "8BITMIME", .where = SMTP_EVERYWHERE, .parameters = { { "BODY", MAIL, .take = take_body } }, .rfc = "6152" },
	{ .keyword = "SMTPUTF8", .where = SMTP_EVERYWHERE, .parameters = { { "SMTPUTF8", MAIL, .bare = true, .take = take_utf8 } }, .rfc = "6531 3.4" },
	{ .keyword = "CHUNKING", .where = SMTP_EVERYWHERE, .rfc = "3030 2" },
	{ .keyword = "BINARYMIME", .where = SMTP_EVERYWHERE, .rfc = "3030 3" },
	{ .keyword = "BURL", .where = SMTP_IN_SUBMISSION, .offered = has_model, .describe = describe_burl, .rfc = "4468 3.1" },
	{ .keyword = "HELP", .where = SMTP_EVERYWHERE, .rfc = "5321 4.1.1.8" },
	{ .keyword = "VRFY", .where = SMTP_EVERYWHERE, .rfc = "5321 3.5.2" },
	{ .keyword = "SIZE", .where = SMTP_EVERYWHERE, .describe = describe_size, .parameters = { { "SIZE", MAIL, .take = take_size } }, .rfc = "1870" },
	{ .keyword = "LIMITS", .where = SMTP_EVERYWHERE, .describe = describe_limits, .rfc = "9422" },
	{ .keyword = "STARTTLS", .where = SMTP_EVERYWHERE, .offered = can_tls, .rfc = "3207" },
	{ .keyword = "AUTH", .where = SMTP_IN_SUBMISSION, .describe = describe_auth, .parameters = { { "AUTH", MAIL, .take = take_auth } }, .rfc = "4954" },
	{ .keyword = "DSN", .where = SMTP_EVERYWHERE, .offered = has_queue,
	  .parameters = { { "RET", MAIL, .take = take_ret }, { "ENVID", MAIL, .take = take_envid }, { "NOTIFY", RCPT, .take = take_notify },
					  { "ORCPT", RCPT, .take = take_orcpt } }, .rfc = "3461" },
	{ .keyword = "DELIVERBY", .where = SMTP_EVERYWHERE, .offered = has_queue, .describe = describe_by,
	  .parameters = { { "BY", MAIL, .take = take_by } }, .rfc = "2852" },
	{ .keyword = "FUTURERELEASE", .where = SMTP_IN_SUBMISSION, .offered = has_queue, .describe = describe_hold,
	  .parameters = { { "HOLDFOR", MAIL, .take = take_holdfor }, { "HOLDUNTIL", MAIL, .take = take_holduntil } }, .rfc = "4865" },
	{ .keyword = "MT-PRIORITY", .where = SMTP_EVERYWHERE, .offered = takes_priority,
	  .parameters = { { "MT-PRIORITY", MAIL, .take = take_priority } }, .rfc = "6710" },
	{ .keyword = "REQUIRETLS", .where = SMTP_EVERYWHERE, .offered = has_queue_and_tls,
	  .parameters = { { "REQUIRETLS", MAIL, .bare = true, .take = take_require_tls } }, .rfc = "8689" },
	{ .keyword = "NO-SOLICITING", .where = SMTP_IN_MX | SMTP_IN_SUBMISSION, .offered = refuses_classes, .describe = describe_classes,
	  .parameters = { { "SOLICIT", MAIL, .take = take_solicit } }, .rfc = "3865" },
	{ .keyword = "ATRN", .where = SMTP_IN_SUBMISSION, .offered = smtp_may_atrn, .rfc = "2645" },
	{ .keyword = "ETRN", .where = SMTP_IN_MX, .offered = smtp_may_etrn, .rfc = "1985" },
	{ .keyword = "EXPN", .where = SMTP_EVERYWHERE, .offered = smtp_may_expn, .rfc = "5321 3.5.2" },
	{ .keyword = "XCLIENT", .where = SMTP_IN_MX | SMTP_IN_SUBMISSION, .offered = smtp_may_xclient, .describe = smtp_describe_xclient,
	  .rfc = "www.postfix.org/XCLIENT_README.html" },
	{ .keyword = "XFORWARD", .where = SMTP_IN_MX | SMTP_IN_SUBMISSION, .offered = smtp_may_xforward, .describe = smtp_describe_xforward,
	  .rfc = "www.postfix.org/XFORWARD_README.html" },
};

const struct smtp_extension *smtp_extensions(size_t *n_out)
{
	*n_out = sizeof table / sizeof *table;
	return table;
}

static bool is_offered(const struct smtp_call *c, const struct smtp_extension *x)
{
	return (x->where & smtp_where(c)) && (!x->offered || x->offered(c));
}

void smtp_extensions_offer(struct smtp_call *c)
{
	struct buf *out = conn_out(c->conn);

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (!is_offered(c, &table[i]))
			continue;
		buf_printf(out, "250-%s ", table[i].keyword);
		size_t bare = out->n;
		if (table[i].describe)
			table[i].describe(c, out);
		out->n -= out->n == bare;                  /* nothing follows, nor does a space */
		buf_add_lit(out, "\r\n");
	}
}

/* *number_out counts the parameters of the whole table, for params_seen. */
static const struct smtp_parameter *find_param(const struct smtp_call *c, enum smtp_param_verb verb, struct str key, unsigned *number_out)
{
	*number_out = 0;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		for (size_t k = 0; table[i].parameters[k].name; k++, ++*number_out) {
			const struct smtp_parameter *p = &table[i].parameters[k];
			if (p->verb == verb && str_ieq(key, str_from_c(p->name)))
				return is_offered(c, &table[i]) ? p : NULL;
		}
	return NULL;
}

bool smtp_take_params(struct smtp_call *c, enum smtp_param_verb verb, struct str rest)
{
	struct str key, value;
	unsigned number = 0;
	bool bad;

	c->s->t.params_seen = 0;
	while (smtp_param_next(&rest, &key, &value, &bad)) {
		const struct smtp_parameter *p = c->s->esmtp ? find_param(c, verb, key, &number) : NULL;
		const char *wrong = NULL;
		if (!p) {
			smtp_reply(c, 555, "5.5.4", "Parameter not recognised or not implemented");
			return false;
		}
		/* RFC 3461 4.5, 4865 4.2.9, 6710 4.1.1 */
		if (c->s->t.params_seen >> number & 1)
			wrong = "given twice";
		else if (p->bare ? value.n > 0 : value.n == 0)
			wrong = p->bare ? "takes no value" : "needs a value";
		c->s->t.params_seen |= (uint64_t)1 << number;
		if (wrong)
			smtp_reply(c, 501, "5.5.4", "%s %s", p->name, wrong);
		else if ((wrong = p->take(c, value)))
			smtp_reply(c, 501, "5.5.4", "%s", wrong);
		if (wrong)
			return false;
	}
	if (bad)
		smtp_reply(c, 501, "5.5.4", "Bad parameter syntax");
	return !bad;
}
