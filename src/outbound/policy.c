#include "outbound/policy.h"

#include "base/err.h"

static void add_name(struct policy *p, struct str name)
{
	for (size_t i = 0; i < p->client.n_names; i++)
		if (str_ieq(p->names[i], name))
			return;
	if (name.n && p->client.n_names < sizeof p->names / sizeof *p->names)
		p->names[p->client.n_names++] = name;
}

/* A chain to a known root, and this name. */
static void demand_pkix(struct str name, struct policy *out)
{
	out->tls = CLIENT_TLS_MUST;
	out->client.trust = TLS_TRUST_PKIX;
	add_name(out, name);
}

/* RFC 7672 2.2.1: only where the name of the host was learnt securely: by a validated MX set, or from the operator. */
static bool dane_applies(const struct policy_question *q)
{
	return !q->no_dane && !q->literal && q->addresses && (!q->list || q->list->secure);
}

static int apply_dane(const struct policy_question *q, struct arena *a, struct policy *out, struct trouble *t, bool *applied)
{
	struct dane d;
	int r = dane_find(q->dns, a, q->host, q->addresses, q->route->port, &d);

	*applied = r == 0 && d.kind != DANE_NONE;
	if (r || !*applied)
		return r;
	out->kind = TLS_REPORT_TLSA;
	out->strings = d.strings;
	out->n_strings = d.n_strings;
	if (d.kind == DANE_FAILED) {
		/* RFC 7672 2.1.2: a server whose promises cannot be read is not to be used. */
		trouble_set(t, "4.4.3", "TLSA lookup for %.*s failed%s%s", STR_ARG(q->host), d.why ? ": " : "", d.why ? d.why : "");
		return ERR_DENIED;
	}
	out->tls = CLIENT_TLS_MUST;
	out->client.sni = d.base;
	if (d.kind == DANE_USABLE) {
		/* RFC 7672 3.2.2. */
		out->client.trust = TLS_TRUST_DANE;
		out->client.tlsa = d.records;
		out->client.n_tlsa = d.n;
		add_name(out, d.base);
		add_name(out, q->domain);
		add_name(out, q->list ? q->list->canonical : STR_NONE);
	}
	return 0;
}

static int apply_sts(const struct policy_question *q, struct policy *out, struct trouble *t)
{
	const struct sts_policy *p = &q->sts->policy;

	out->kind = TLS_REPORT_STS;
	out->strings = q->sts->lines;
	out->n_strings = q->sts->n_lines;
	out->mx_patterns = p->mx;
	out->n_mx_patterns = p->n_mx;
	bool matches = sts_policy_matches(p, q->host);
	if (p->mode == STS_TESTING) {
		out->testing = true;
		out->mx_mismatch = !matches;
		if (matches) {
			out->client.trust = TLS_TRUST_PKIX;
			add_name(out, q->host);
		}
		return 0;
	}
	/* RFC 8461 5, enforce; and every failure is a temporary one. */
	demand_pkix(q->host, out);
	if (matches)
		return 0;
	trouble_set(t, "4.7.5", "the MTA-STS policy of %.*s does not name the host %.*s", STR_ARG(q->domain), STR_ARG(q->host));
	return ERR_DENIED;
}

static int published(const struct policy_question *q, struct arena *a, struct policy *out, struct trouble *t)
{
	bool applied = false;
	int r = dane_applies(q) ? apply_dane(q, a, out, t, &applied) : 0;

	/* RFC 8461 2: a host with TLSA records is judged by them alone. */
	if (r || applied)
		return r;
	return !q->literal && q->sts->found && q->sts->policy.mode != STS_NONE ? apply_sts(q, out, t) : 0;
}

/* RFC 8689 4.2.1 (2): without DNSSEC only MTA-STS says that an MX name is the right one. */
static int require(const struct policy_question *q, struct policy *out, struct trouble *t)
{
	bool name_is_right = !q->list || q->list->implicit || q->list->secure || (out->kind == TLS_REPORT_STS && !out->mx_mismatch);

	out->require = true;
	out->testing = false;
	if (name_is_right && !q->literal) {
		/* The domain is its own host, by a CNAME that anybody may have forged: then only its own name will do. */
		bool forgeable = q->list && q->list->implicit && !q->list->secure && out->kind != TLS_REPORT_STS;
		if (forgeable) {
			out->client.sni = q->domain;
			out->client.n_names = 0;
		}
		if (out->client.trust != TLS_TRUST_DANE)
			demand_pkix(forgeable ? q->domain : q->host, out);
		return 0;
	}
	trouble_set(t, "5.7.10", "TLS is required, and nothing proves that %.*s is the right host for %.*s", STR_ARG(q->host), STR_ARG(q->domain));
	return ERR_DENIED;
}

/* RFC 8689 4.2.2: follow what the domain publishes as far as it goes, but never fail for it. What the operator demands stays. */
static void relax(struct policy *out)
{
	out->relaxed = out->tls == CLIENT_TLS_MUST || out->testing;
	out->tls = CLIENT_TLS_TRY;
	out->testing = false;
	out->client.trust = TLS_TRUST_ANY;
}

int policy_find(const struct policy_question *q, struct arena *a, struct policy *out, struct trouble *t)
{
	int r = 0;

	*out = (struct policy){ .tls = CLIENT_TLS_TRY, .kind = TLS_REPORT_NONE };
	out->client = (struct tls_client_policy){ .trust = TLS_TRUST_ANY, .names = out->names, .ca_file = q->ca_file };
	if (!q->literal)
		out->client.sni = q->host;
	switch (q->route->tls) {
	case ROUTE_TLS_NONE:
		out->tls = CLIENT_TLS_NEVER;
		break;
	case ROUTE_TLS_MAY:
		break;
	case ROUTE_TLS_ENCRYPT:
		out->tls = CLIENT_TLS_MUST;
		break;
	case ROUTE_TLS_VERIFY:
		demand_pkix(q->host, out);
		break;
	case ROUTE_TLS_POLICY:
		r = published(q, a, out, t);
		if ((q->flags & QUEUE_TLS_OPTIONAL) && !(q->flags & QUEUE_REQUIRETLS)) {      /* RFC 8689 3: REQUIRETLS wins */
			if (r == ERR_DENIED)
				out->tls = CLIENT_TLS_MUST;           /* so that it counts as relaxed */
			r = r == ERR_DENIED ? 0 : r;
			relax(out);
		}
		break;
	}
	/* RFC 8689 4.2.1, 5: not for bounces; they are sent as well as can be. */
	if (r == 0 && (q->flags & QUEUE_REQUIRETLS) && !q->null_sender)
		r = require(q, out, t);
	return r;
}
