#include "base/clock.h"
#include "codec/smtp/path.h"
#include "proto/smtp/command.h"
#include "proto/smtp/extension.h"
#include "proto/smtp/transaction.h"

/* "FROM:" and optional spaces, which many clients put there. */
static bool take_keyword(struct str *arg, struct str keyword)
{
	if (!str_istarts(*arg, keyword))
		return false;
	*arg = str_trim(str_from(*arg, keyword.n));
	return true;
}

static bool sender_is_allowed(struct smtp_call *c, const struct smtp_path *path)
{
	struct buf address = BUF_INIT(1024);
	int code = 0;

	if (path->utf8 && !c->s->t.utf8) {
		smtp_reply(c, 553, "5.6.7", "This address needs SMTPUTF8");           /* RFC 6531 3.5 */
		return false;
	}
	/* RFC 6409 6.1: a user sends in its own name; anybody may send reports with the null path */
	if (c->service->mode == SMTP_SUBMISSION && !path->null) {
		smtp_path_address(path, &address);
		code = address.failed ? buf_error(&address) : directory_may_send_as(services_directory(c->service->services), str_from_c(c->s->user), buf_str(&address));
		if (code == ERR_DENIED)
			smtp_reply(c, 550, "5.7.1", "This is not one of your addresses");
		else if (code)
			smtp_reply_error(c, code, "Sender");
		buf_fini(&address);
	}
	return code == 0;
}

/* What the parameters mean together. False when an answer was given. */
static bool wishes_can_be_met(struct smtp_call *c)
{
	const struct smtp_transaction *t = &c->s->t;
	const struct smtp_wishes *w = &t->wishes;
	const struct mail_config *config = c->s->config;

	if (t->size_declared > config->message_size_max)
		smtp_reply(c, 552, "5.3.4", "Message size exceeds the limit of %llu", (unsigned long long)config->message_size_max);
	else if (w->has_by && w->by.returns && (uint64_t)w->by.seconds < config->smtp_deliver_by_min_ms / 1000)
		smtp_reply(c, 555, "5.5.4", "BY asks for less than the minimum that EHLO told");        /* RFC 2852 section 3 */
	else if (w->has_by && w->hold_until > clock_now() + w->by.seconds)
		smtp_reply(c, 501, "5.5.4", "To be held for longer than it may take");              /* RFC 4865 5.2.2 */
	else
		return true;
	return false;
}

static void reply_sender_ok(struct smtp_call *c)
{
	const struct smtp_wishes *w = &c->s->t.wishes;

	/* RFC 6710 4.1: a changed priority is told */
	if (w->has_priority && w->priority != w->priority_asked)
		smtp_reply(c, 250, "2.3.6", "%d is the priority of this message", w->priority);
	else
		smtp_reply(c, 250, "2.1.0", "Sender ok");
}

/* Everything behind "FROM:"; the transaction is open when it returns true, else an answer was given. */
static bool begin(struct smtp_call *c, struct str arg)
{
	struct smtp_transaction *t = &c->s->t;
	struct smtp_path path;
	size_t used;
	const char *wrong;

	if ((wrong = smtp_path_parse(arg, &path, &used)) || path.postmaster) {
		smtp_reply(c, 501, "5.1.7", "Bad sender address: %s", wrong ? wrong : "no @ and domain");
		return false;
	}
	arena_init(&t->arena, SMTP_TRANSACTION_MEMORY_MAX);
	struct smtp_matter matter = { .argument = path.wire, .params = str_from(arg, used) };
	if (!smtp_take_params(c, SMTP_PARAM_OF_MAIL, matter.params) || !sender_is_allowed(c, &path) || !wishes_can_be_met(c) ||
		!smtp_gates_pass(c, SMTP_STAGE_MAIL, &matter))
		return false;
	t->sender = arena_dup(&t->arena, path.wire);
	t->last = &t->first;
	t->open = !t->arena.failed;
	if (!t->open)
		smtp_reply_error(c, ERR_NO_MEMORY, "Sender");
	return t->open;
}

void smtp_cmd_mail(struct smtp_call *c)
{
	struct smtp_transaction *t = &c->s->t;
	struct str arg = c->arg;

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
	smtp_transaction_reset(t);
	if (begin(c, arg))
		reply_sender_ok(c);
	else
		smtp_transaction_reset(t);
}
