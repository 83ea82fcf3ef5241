#include "codec/smtp/path.h"
#include "proto/smtp/command.h"

/* The part of the refusal that depends on why. */
static void refuse(struct smtp_call *c, int code)
{
	switch (code) {
	case ERR_NOT_FOUND:
		smtp_reply(c, 550, "5.1.1", "No such user here");
		break;
	case ERR_DENIED:
		/* until the queue exists, nobody relays: neither strangers nor users */
		if (c->service->mode == SMTP_SUBMISSION)
			smtp_reply(c, 550, "5.7.1", "This server does not send to other domains yet");
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
static int check_quota(struct smtp_call *c, const struct directory_target *targets, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct account *a;
		struct quota q;
		int r = account_open(services_model(c->service->services), targets[i].account, &a);
		if (r == 0) {
			r = account_quota(a, &q);
			account_close(&a);
		}
		if (r)
			return r;
		if ((q.bytes_max && q.bytes + c->s->t.size_declared > q.bytes_max) || (q.messages_max && q.messages >= q.messages_max))
			return ERR_QUOTA;
	}
	return 0;
}

static int resolve(struct smtp_call *c, const struct smtp_path *path, struct smtp_recipient *r)
{
	struct smtp_transaction *t = &c->s->t;
	struct buf address = BUF_INIT(1024);
	struct directory_target *targets;

	smtp_path_address(path, &address);
	int code = directory_resolve(services_directory(c->service->services), &t->arena, buf_str(&address), &targets, &r->n_targets);
	buf_fini(&address);
	if (code)
		return code;
	for (size_t i = 0; i < r->n_targets; i++)
		if (targets[i].account == 0)
			return ERR_DENIED;                   /* an alias that leads away */
	if (t->n_targets + r->n_targets > SMTP_TARGETS_MAX)
		return ERR_BUSY;
	r->targets = targets;
	return check_quota(c, targets, r->n_targets);
}

static bool parse(struct smtp_call *c, struct smtp_path *path)
{
	struct str arg = c->arg, key, value;
	size_t used;
	const char *wrong;
	bool bad;

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
	arg = str_from(arg, used);
	if (smtp_param_next(&arg, &key, &value, &bad) || bad) {
		smtp_reply(c, bad ? 501 : 555, "5.5.4", bad ? "Bad parameter syntax" : "Parameter not recognised or not implemented");
		return false;
	}
	if (path->utf8 && !c->s->t.utf8) {
		smtp_reply(c, 553, "5.6.7", "This address needs SMTPUTF8");
		return false;
	}
	return true;
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
	if (!parse(c, &path))
		return;
	struct smtp_recipient *r = arena_new(&t->arena, struct smtp_recipient);
	int code = r ? resolve(c, &path, r) : ERR_NO_MEMORY;
	if (code == 0) {
		r->address = arena_dup(&t->arena, path.wire);
		code = t->arena.failed ? ERR_NO_MEMORY : 0;
	}
	if (code) {
		conn_log(c->conn, LOG_INFO, "smtp.rcpt-refused", LOG_LIST(LOG_S("rcpt", path.wire), LOG_C("why", err_text(code))));
		refuse(c, code);
		return;
	}
	*t->last = r;
	t->last = &r->next;
	t->n_recipients++;
	t->n_targets += (unsigned)r->n_targets;
	smtp_reply(c, 250, "2.1.5", "Recipient ok");
}
