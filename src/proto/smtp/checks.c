#include "proto/smtp/checks.h"

#include "base/clock.h"
#include "codec/smtp/trace.h"
#include "proto/smtp/accept.h"

bool smtp_is_inside(const struct smtp_call *c)
{
	const struct mail_config *config = c->s->config;

	return c->service->mode != SMTP_MX || c->s->user || network_list_has(config->smtp_relay_from, &c->s->peer.addr) ||
		   network_list_has(config->smtp_unchecked_from, &c->s->peer.addr);
}

/* RFC 8617 section 7.2: a chain whose newest seal is from somebody we trust says what DMARC was before its sealers changed the message. */
static bool trusted_chain_passed(const struct smtp_call *c, const struct mailauth_verdict *v)
{
	struct str rest = c->s->config->smtp_arc_trusted, word;

	if (v->arc.result != ARC_PASS)
		return false;
	while (rest.n) {
		str_cut(rest, ' ', &word, &rest);
		if (word.n && str_ieq(word, v->arc.sealer))
			return str_ifind(v->arc.results, STR("dmarc=pass")) != STR_NPOS;
	}
	return false;
}

/* What is done at the author's wish. */
static enum dmarc_policy effective_policy(const struct smtp_call *c, const struct mailauth_verdict *v)
{
	enum dmarc_policy most = c->s->config->smtp_dmarc_enforce;

	if (v->dmarc.result != DMARC_FAIL || trusted_chain_passed(c, v))
		return DMARC_POLICY_NONE;
	return v->dmarc.policy < most ? v->dmarc.policy : most;
}

static bool obey(struct smtp_call *c, struct str message, const struct mailauth_verdict *v, enum dmarc_policy policy)
{
	struct smtp_header_facts facts;

	smtp_header_scan(message, &facts);
	if (facts.from > 1 && c->s->config->smtp_dmarc_enforce != DMARC_POLICY_NONE) {
		/* RFC 7489 6.6.1, RFC 5322 3.6: which of them a reader will see nobody knows */
		smtp_refuse_message(c, 550, "5.6.0", "More than one From field");
		return false;
	}
	if (policy == DMARC_POLICY_REJECT) {
		/* RFC 7489 10.3 */
		smtp_refuse_message(c, 550, "5.7.1", "The message fails DMARC, and the policy of %.*s is to reject it", STR_ARG(v->from_domain));
		return false;
	}
	if (c->s->config->smtp_spf_enforce && v->spf.result == SPF_FAIL) {
		/* RFC 7208 8.4, 7372 3.2 */
		smtp_refuse_message(c, 550, "5.7.23", "SPF of %.*s does not permit %s%s%.*s", STR_ARG(v->spf.domain), c->s->peer.ip,
							v->spf.explanation.n ? ": " : "", STR_ARG(v->spf.explanation));
		return false;
	}
	c->s->t.junk |= policy == DMARC_POLICY_QUARANTINE;
	c->s->t.mistrusted = v->spf.result == SPF_FAIL && v->dmarc.result != DMARC_PASS;
	return true;
}

/* Written down at once: the verdict does not outlive the message as it is now. */
static bool keep_results(struct smtp_call *c, struct smtp_findings *f)
{
	struct arena *a = &c->s->t.arena;
	struct buf b = BUF_INIT(SMTP_FRONT_MAX);

	authres_format(&f->verdict, &f->question, c->s->config->hostname, &b);
	f->field = arena_dup(a, buf_str(&b));
	buf_reset(&b);
	authres_format_bare(&f->verdict, &f->question, c->s->config->hostname, &b);
	f->bare = arena_dup(a, buf_str(&b));
	bool kept = !b.failed && !a->failed;
	buf_fini(&b);
	return kept;
}

bool smtp_check_sender(struct smtp_call *c, struct str message, struct smtp_findings *out)
{
	struct smtp_transaction *t = &c->s->t;

	*out = (struct smtp_findings){ .known = false };
	if (!c->service->dns || smtp_is_inside(c))
		return true;
	out->question = (struct mailauth_question){
		.ip = c->s->peer.addr, .helo = str_from_c(c->s->helo), .sender = t->sender, .receiver = c->s->config->hostname, .message = message,
		.now = clock_now(), .limit_ms = SMTP_CHECK_MS_MAX,
	};
	int code = mailauth_check(c->service->dns, &t->arena, &out->question, &out->verdict);
	if (code == 0 && !keep_results(c, out))
		code = ERR_NO_MEMORY;
	if (code) {
		smtp_fail_message(c, code);
		return false;
	}
	out->known = true;
	enum dmarc_policy policy = effective_policy(c, &out->verdict);
	conn_log(c->conn, LOG_INFO, "smtp.checked", LOG_LIST(LOG_S("from", t->sender), LOG_S("author", out->verdict.from_domain),
			 LOG_C("spf", spf_result_text(out->verdict.spf.result)), LOG_C("dmarc", dmarc_result_text(out->verdict.dmarc.result)),
			 LOG_C("arc", arc_result_text(out->verdict.arc.result)), LOG_U("signatures", out->verdict.n_dkim), LOG_C("done", dmarc_policy_text(policy))));
	if (c->service->report)
		c->service->report(c->service->report_ctx, &out->question, &out->verdict, policy);
	return obey(c, message, &out->verdict, policy);
}
