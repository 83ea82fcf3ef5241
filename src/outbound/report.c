#include "outbound/report.h"

static struct tls_report_event event_of(struct str domain, struct str mx_host, const struct policy *p)
{
	return (struct tls_report_event){ .domain = domain, .kind = p->kind, .strings = p->strings, .n_strings = p->n_strings, .mx_patterns = p->mx_patterns,
									  .n_mx_patterns = p->n_mx_patterns, .mx_host = mx_host };
}

/* RFC 8460 4.3: NULL for a success. */
static const char *result_of(const struct policy *p, const struct client_opening *o)
{
	if (!o->tls_tried)
		return "starttls-not-supported";
	if (o->stage == CLIENT_HANDSHAKE)
		return o->tls.failure ? o->tls.failure : "validation-failure";
	return p->mx_mismatch ? "validation-failure" : NULL;
}

void report_session(struct outbound *o, struct str domain, struct str mx_host, const struct net_addr *peer, const struct policy *p, const struct client_opening *opening)
{
	struct tls_report_event e = event_of(domain, mx_host, p);

	/* Where no TLS was wanted, or the operator chose, there is nothing to tell the domain. */
	if (!o->env.tls_report || !domain.n || p->tls == CLIENT_TLS_NEVER || p->relaxed)
		return;
	e.result = result_of(p, opening);
	e.success = !e.result;
	e.sending = opening->local;
	e.receiving = *peer;
	e.helo = str_from_c(opening->helo);
	if (opening->tls_tried && !e.success)
		e.detail = p->mx_mismatch && !opening->tls.detail[0] ? STR("the policy does not name this host") : str_from_c(opening->tls.detail);
	o->env.tls_report(o->env.report_ctx, &e);
}

void report_refusal(struct outbound *o, struct str domain, struct str mx_host, const struct policy *p, const struct trouble *t)
{
	struct tls_report_event e = event_of(domain, mx_host, p);

	if (!o->env.tls_report || p->kind == TLS_REPORT_NONE)
		return;
	/* RFC 8460 4.3.2: what was published could not be had, or does not fit. */
	e.result = p->kind == TLS_REPORT_TLSA ? "dnssec-invalid" : "validation-failure";
	e.detail = str_from_c(t->text);
	o->env.tls_report(o->env.report_ctx, &e);
}
