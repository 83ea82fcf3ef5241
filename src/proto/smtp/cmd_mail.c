#include "base/num.h"
#include "codec/smtp/path.h"
#include "proto/smtp/command.h"

/* "FROM:" and optional spaces, which many clients put there. */
static bool take_keyword(struct str *arg, struct str keyword)
{
	if (!str_istarts(*arg, keyword))
		return false;
	*arg = str_trim(str_from(*arg, keyword.n));
	return true;
}

static const char *param_body(struct smtp_transaction *t, struct str value)
{
	static const struct { struct str name; enum smtp_body body; } bodies[] = {
		{ STR_INIT("7BIT"), SMTP_BODY_7BIT }, { STR_INIT("8BITMIME"), SMTP_BODY_8BITMIME }, { STR_INIT("BINARYMIME"), SMTP_BODY_BINARYMIME } };

	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		if (str_ieq(value, bodies[i].name)) {
			t->body = bodies[i].body;
			return NULL;
		}
	return "BODY is 7BIT, 8BITMIME or BINARYMIME";
}

/* NULL, or what is wrong with the value; *known_out is false for a parameter we never offered. */
static const char *take_param(struct smtp_call *c, struct str key, struct str value, bool *known_out)
{
	struct smtp_transaction *t = &c->s->t;

	*known_out = true;
	if (str_ieq(key, STR("SIZE")))            /* RFC 1870 section 3: up to 20 digits */
		return num_parse_u64(value, &t->size_declared) ? NULL : "bad SIZE";
	if (str_ieq(key, STR("BODY")))
		return param_body(t, value);
	if (str_ieq(key, STR("SMTPUTF8"))) {
		t->utf8 = true;
		return value.n ? "SMTPUTF8 takes no value" : NULL;
	}
	/* RFC 4954 section 5: accepted from everybody, believed from nobody */
	if (str_ieq(key, STR("AUTH")) && c->service->mode == SMTP_SUBMISSION)
		return value.n ? NULL : "AUTH needs a value";
	*known_out = false;
	return NULL;
}

static bool take_params(struct smtp_call *c, struct str rest)
{
	struct str key, value;
	bool bad, known;

	while (smtp_param_next(&rest, &key, &value, &bad)) {
		const char *wrong = c->s->esmtp ? take_param(c, key, value, &known) : (known = false, NULL);
		if (!known) {
			smtp_reply(c, 555, "5.5.4", "Parameter not recognised or not implemented");
			return false;
		}
		if (wrong) {
			smtp_reply(c, 501, "5.5.4", "%s", wrong);
			return false;
		}
	}
	if (bad)
		smtp_reply(c, 501, "5.5.4", "Bad parameter syntax");
	return !bad;
}

static bool sender_is_allowed(struct smtp_call *c, const struct smtp_path *path)
{
	struct buf address = BUF_INIT(1024);
	bool ok = true;

	if (path->utf8 && !c->s->t.utf8) {
		smtp_reply(c, 553, "5.6.7", "This address needs SMTPUTF8");           /* RFC 6531 3.5 */
		return false;
	}
	/* RFC 6409 6.1: a user sends in its own name; anybody may send reports with the null path */
	if (c->service->mode == SMTP_SUBMISSION && !path->null) {
		smtp_path_address(path, &address);
		ok = directory_may_send_as(services_directory(c->service->services), str_from_c(c->s->user), buf_str(&address));
		if (!ok)
			smtp_reply(c, 550, "5.7.1", "This is not one of your addresses");
		buf_fini(&address);
	}
	return ok;
}

void smtp_cmd_mail(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;
	struct smtp_path path;
	struct str arg = c->arg;
	size_t used;
	const char *wrong;

	if (t->open) {
		smtp_reply(c, 503, "5.5.1", "One sender at a time: RSET first");
		return;
	}
	if (c->s->messages >= SMTP_TRANSACTIONS_MAX) {
		smtp_reply(c, 421, "4.7.0", "Too many messages on one connection");
		c->s->closing = true;
		return;
	}
	if (!take_keyword(&arg, STR("FROM:"))) {
		smtp_reply(c, 501, "5.5.4", "Syntax: MAIL FROM:<address>");
		return;
	}
	if ((wrong = smtp_path_parse(arg, &path, &used)) || path.postmaster) {
		smtp_reply(c, 501, "5.1.7", "Bad sender address: %s", wrong ? wrong : "no @ and domain");
		return;
	}
	smtp_transaction_reset(t);
	if (!take_params(c, str_from(arg, used)) || !sender_is_allowed(c, &path)) {
		smtp_transaction_reset(t);
		return;
	}
	if (t->size_declared > c->s->config->message_size_max) {
		smtp_reply(c, 552, "5.3.4", "Message size exceeds the limit of %llu", (unsigned long long)c->s->config->message_size_max);
		smtp_transaction_reset(t);
		return;
	}
	arena_init(&t->arena, SMTP_TRANSACTION_MEMORY_MAX);
	t->sender = arena_dup(&t->arena, path.wire);
	t->last = &t->first;
	t->open = !t->arena.failed;
	if (t->open)
		smtp_reply(c, 250, "2.1.0", "Sender ok");
	else
		smtp_reply_error(c, ERR_NO_MEMORY, "Sender");
}
