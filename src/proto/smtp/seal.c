#include "proto/smtp/seal.h"

#include "base/clock.h"
#include "mailauth/arc.h"

static int find_signers(struct smtp_call *c, struct str domain, struct dkim_signer *out)
{
	const struct dkim_keyring *ring = c->service->keyring;
	int n = ring->signers(ring->ctx, &c->s->t.arena, domain, out, DKIM_SIGNERS_MAX);

	if (n < 0)
		conn_log(c->conn, LOG_WARN, "smtp.no-keys", LOG_LIST(LOG_S("domain", domain), LOG_C("why", err_text(n))));
	return n;
}

static void note_failure(struct smtp_call *c, const char *event, struct str domain, int code, const struct err *e)
{
	if (code)
		conn_log(c->conn, LOG_WARN, event, LOG_LIST(LOG_S("domain", domain), LOG_C("why", err_text(code)), LOG_C("error", e->log)));
}

static void sign(struct smtp_call *c, struct str message, struct buf *out)
{
	struct dkim_signer signers[DKIM_SIGNERS_MAX];
	struct err e = { 0 };
	struct str domain;

	if (!dmarc_author_domain(&c->s->t.arena, message, &domain))
		return;
	int n = find_signers(c, domain, signers);
	if (n > 0)
		note_failure(c, "smtp.sign-failed", domain, dkim_sign(message, signers, (size_t)n, clock_now(), out, &e), &e);
	dkim_ring_drop(signers, n);
}

/* The domain of the alias that forwards. */
static bool forwarding_domain(const struct smtp_transaction *t, struct str *out)
{
	for (const struct smtp_recipient *r = t->first; r; r = r->next)
		if (r->n_away && !r->relayed) {
			*out = str_from(r->address, str_rchr(r->address, '@') + 1);
			return out->n > 0;
		}
	return false;
}

static void seal(struct smtp_call *c, struct str message, const struct smtp_findings *f, struct buf *out)
{
	struct dkim_signer signers[DKIM_SIGNERS_MAX];
	struct err e = { 0 };
	struct str domain;

	if (!forwarding_domain(&c->s->t, &domain))
		return;
	int n = find_signers(c, domain, signers);
	if (n > 0) {
		int code = arc_seal(message, signers, f->verdict.arc.result, f->verdict.arc.instances, f->bare, clock_now(), out, &e);
		note_failure(c, "smtp.seal-failed", domain, code == ERR_CONFLICT ? 0 : code, &e);         /* a chain that is broken stays so */
	}
	dkim_ring_drop(signers, n);
}

void smtp_seal(struct smtp_call *c, struct str message, const struct smtp_findings *f, struct buf *out)
{
	/* what a group gets leaves too, most of it */
	if (!c->service->keyring || !c->s->t.n_queued)
		return;
	if (f->known)
		seal(c, message, f, out);
	else if (smtp_may_relay(c))
		sign(c, message, out);
}
