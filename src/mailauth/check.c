#include "mailauth/check.h"

#include "base/clock.h"
#include "mailauth/limits.h"

/* The caller's source until the time is up. */
struct limited {
	const struct dns_source *source;
	uint64_t until_ms;                  /* clock_mono_ms */
};

static int query_limited(void *ctx, struct arena *a, struct str name, enum dns_type type, struct dns_answer *out)
{
	const struct limited *l = ctx;
	if (clock_mono_ms() < l->until_ms)
		return dns_query(l->source, a, name, type, out);
	*out = (struct dns_answer){ .status = DNS_TEMPORARY, .canonical = name, .why = "the time for this message's checks is over" };
	return 0;
}

int mailauth_check(const struct dns_source *dns, struct arena *a, const struct mailauth_question *q, struct mailauth_verdict *out)
{
	struct limited limited = { dns, clock_mono_ms() + (q->limit_ms ? q->limit_ms : CHECK_LIMIT_MS_DEFAULT) };
	const struct dns_source source = { query_limited, &limited };
	struct spf_question spf = { q->ip, q->helo, q->sender, q->receiver };
	int err = 0;
	*out = (struct mailauth_verdict){ 0 };
	if (q->spf)
		out->spf = *q->spf;
	else
		err = spf_check(&source, a, &spf, &out->spf);
	if (!err)
		err = dkim_verify(&source, a, q->message, q->now, &out->dkim, &out->n_dkim);
	if (err)
		return err;
	/* DMARC before what only informs, in case the time runs out. */
	struct dmarc_question dmarc = { .spf = &out->spf, .dkim = out->dkim, .n_dkim = out->n_dkim };
	if (dmarc_author_domain(a, q->message, &out->from_domain))
		dmarc.from_domain = out->from_domain;
	err = dmarc_check(&source, a, &dmarc, &out->dmarc);
	if (!err)
		err = arc_validate(&source, a, q->message, q->now, &out->arc);
	if (!err)
		out->iprev = iprev_check(&source, a, &q->ip, &out->ptr);
	return err;
}
