#include "mailauth/spf.h"
#include "proto/smtp/checks.h"
#include "proto/smtp/gates.h"

#define SPF_MEMORY_MAX ((size_t)1 << 20)

static bool spf_passes(void *ctx)
{
	const struct smtp_call *c = ctx;
	struct arena a = ARENA_INIT(SPF_MEMORY_MAX);
	const struct spf_question q = { .ip = c->s->peer.addr, .helo = str_from_c(c->s->helo), .sender = c->s->t.sender, .receiver = c->s->config->hostname };
	struct spf_answer answer;
	bool passes = c->service->dns && spf_check(c->service->dns, &a, &q, &answer) == 0 && answer.result == SPF_PASS;

	arena_fini(&a);
	return passes;
}

static void ask_visit(struct guard_visit *v, const struct smtp_call *c, enum smtp_stage stage, const struct smtp_matter *m, struct guard_verdict *out)
{
	struct str user = str_from_c(c->s->user);
	struct smtp_call copy = *c;

	switch (stage) {
	case SMTP_STAGE_HELO:
		guard_helo(v, m->argument, out);
		break;
	case SMTP_STAGE_MAIL:
		guard_mail(v, m->argument, user, out);
		break;
	case SMTP_STAGE_RCPT:
		guard_rcpt(v, &(struct guard_recipient){ .sender = c->s->t.sender, .address = m->argument, .user = user, .spf_passes = spf_passes, .ctx = &copy }, out);
		break;
	case SMTP_STAGE_REFUSED_RCPT:
		if (m->code == ERR_NOT_FOUND && !user.n)
			guard_unknown_rcpt(v, out);
		break;
	case SMTP_STAGE_MESSAGE:
		guard_message(v, c->s->t.sender, user, out);
		break;
	case SMTP_STAGE_CONNECT:
	case SMTP_STAGE_DATA:
	case SMTP_STAGE_UNKNOWN:
		break;
	}
}

static void ask(void *ctx, void **state, const struct smtp_call *c, enum smtp_stage stage, const struct smtp_matter *m, struct smtp_answer *out)
{
	struct guard_verdict v = { .decision = GUARD_PASS };

	if (c->service->mode == SMTP_MX && smtp_is_inside(c))
		return;
	if (stage == SMTP_STAGE_CONNECT) {
		struct guard_visit *visit;
		guard_connect(ctx, &c->s->peer.addr, &visit, &v);
		*state = visit;
	} else {
		ask_visit(*state, c, stage, m, &v);
	}
	out->delay_ms = v.delay_ms;
	if (v.decision == GUARD_JUNK)
		out->decision = SMTP_QUARANTINE;
	if (v.decision == GUARD_REFUSE) {
		out->decision = SMTP_REFUSE;
		out->code = v.code;
		str_copy_c(out->enhanced, sizeof out->enhanced, str_from_c(v.enhanced));
		str_copy_c(out->text, sizeof out->text, str_from_c(v.text));
	}
	if (v.reason[0])
		conn_log(c->conn, LOG_NOTICE, v.decision == GUARD_JUNK ? "guard.junk" : "guard.refused",
				 LOG_LIST(LOG_C("why", v.reason), LOG_S("from", c->s->t.sender), LOG_S("rcpt", stage == SMTP_STAGE_RCPT ? m->argument : STR_NONE)));
}

static void end(void *ctx, void *state)
{
	struct guard_visit *v = state;

	(void)ctx;
	guard_leave(&v);
}

struct smtp_gate smtp_gate_guard(struct guard *g)
{
	return (struct smtp_gate){ .name = "guard", .ctx = g, .ask = ask, .end = end };
}
