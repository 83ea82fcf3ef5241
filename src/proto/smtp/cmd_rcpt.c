#include "proto/smtp/command.h"
#include "proto/smtp/extension.h"
#include "proto/smtp/recipient.h"

/* The part of the refusal that depends on why. */
static void refuse(struct smtp_call *c, int code)
{
	switch (code) {
	case ERR_NOT_FOUND:
		smtp_reply(c, 550, "5.1.1", "No such user here");
		break;
	case ERR_DENIED:
		if (c->recipient->closed)
			smtp_reply(c, 550, "5.7.2", "You may not write to this list");
		else if (c->service->mode == SMTP_SUBMISSION)
			smtp_reply(c, 550, "5.7.1", "This server does not send to other domains");
		else
			smtp_reply(c, 554, "5.7.1", "Relaying denied");
		break;
	case ERR_INVALID:
		smtp_reply(c, 553, "5.1.3", "Bad recipient address");
		break;
	default:
		smtp_reply_error(c, code, "Recipient");
	}
}

/* Room for a message of the declared size in every account that can be asked; the commit asks again. */
static int check_quota(struct smtp_call *c, const struct smtp_recipient *r)
{
	uint64_t size = c->s->t.size_declared;

	for (size_t i = 0; i < r->n_targets; i++) {
		uint64_t account = r->targets[i].account;
		struct quota q;
		if (!account)
			continue;
		int code = model_quota(services_model(c->service->services), account, &q);
		if (code)
			return code;
		if (!quota_has_room(&q, 1, size, true))
			return ERR_QUOTA;
	}
	return 0;
}

/* The path and the parameters; false when an answer was given. */
static bool parse(struct smtp_call *c, struct smtp_path *path, struct str *params_out)
{
	struct str arg = c->arg;
	size_t used;
	const char *wrong;

	if (!str_istarts(arg, STR("TO:"))) {
		smtp_reply(c, 501, "5.5.4", "Syntax: RCPT TO:<address>");
		return false;
	}
	arg = str_trim(str_from(arg, 3));
	wrong = smtp_path_parse(arg, path, &used);
	if (wrong || path->null) {
		smtp_reply(c, 501, "5.1.3", "Bad recipient address: %s", wrong ? wrong : "empty");
		return false;
	}
	*params_out = str_from(arg, used);
	if (!smtp_take_params(c, SMTP_PARAM_OF_RCPT, *params_out))
		return false;
	if (path->utf8 && !c->s->t.utf8) {
		smtp_reply(c, 553, "5.6.7", "This address needs SMTPUTF8");
		return false;
	}
	return true;
}

/* RFC 3865 2.4: the class is told with the refusal. False when an answer was given. */
static bool is_solicited(struct smtp_call *c)
{
	struct str class = smtp_solicit_match(c->s->t.wishes.solicit, c->s->config->smtp_no_soliciting);

	if (class.n)
		smtp_reply(c, 550, "5.7.1", "No soliciting here: SOLICIT=%.*s", STR_ARG(class));
	return class.n == 0;
}

void smtp_cmd_rcpt(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;
	struct smtp_path path;

	if (!t->open) {
		smtp_reply(c, 503, "5.5.1", "MAIL first");
		return;
	}
	if (t->n_recipients >= c->s->config->smtp_recipients_max) {
		smtp_reply(c, 452, "4.5.3", "Too many recipients");           /* RFC 5321 4.5.3.1.10 */
		return;
	}
	struct smtp_recipient *r = c->recipient = arena_new(&t->arena, struct smtp_recipient);
	if (!r) {
		smtp_reply_error(c, ERR_NO_MEMORY, "Recipient");
		return;
	}
	struct smtp_matter matter = { .params = STR_NONE };
	if (!parse(c, &path, &matter.params) || !is_solicited(c))
		return;
	int code = smtp_recipient_resolve(c, &path, r);
	if (code == 0)
		code = check_quota(c, r);
	if (code == 0 && t->arena.failed)
		code = ERR_NO_MEMORY;
	if (code) {
		conn_log(c->conn, LOG_INFO, "smtp.rcpt-refused", LOG_LIST(LOG_S("rcpt", path.wire), LOG_C("why", err_text(code))));
		matter.argument = path.wire;
		matter.code = code;
		if (smtp_gates_pass(c, SMTP_STAGE_REFUSED_RCPT, &matter))
			refuse(c, code);
		return;
	}
	matter.argument = r->address;
	if (!smtp_gates_pass(c, SMTP_STAGE_RCPT, &matter))
		return;
	smtp_recipient_keep(t, r);
	smtp_reply(c, 250, "2.1.5", "Recipient ok");
}
