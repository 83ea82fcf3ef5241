#include "outbound/delivery.h"

#include "outbound/message.h"
#include "outbound/notice.h"
#include "rt/log.h"

#include "base/clock.h"

/* The message in one piece, and our signatures in front of it. A notice that cannot be signed goes unsigned: it is better than none. */
static void sign(struct outbound *o, struct arena *a, struct str domain, struct queue_submission *n)
{
	struct dkim_signer signers[DKIM_SIGNERS_MAX];
	struct buf whole = BUF_INIT(0), fields = BUF_INIT(0);
	struct str *pieces = arena_array(a, 2, sizeof *pieces);
	struct err e = { 0 };

	int n_signers = o->env.keyring ? o->env.keyring->signers(o->env.keyring->ctx, a, domain, signers, DKIM_SIGNERS_MAX) : 0;
	for (size_t i = 0; n_signers > 0 && i < n->n_pieces; i++)
		buf_add_str(&whole, n->pieces[i]);
	if (n_signers > 0 && pieces && !whole.failed) {
		int r = dkim_sign(buf_str(&whole), signers, (size_t)n_signers, clock_now(), &fields, &e);
		if (r == 0 && !fields.failed) {
			pieces[0] = arena_dup(a, buf_str(&fields));
			pieces[1] = arena_dup(a, buf_str(&whole));
			if (!a->failed)
				*n = (struct queue_submission){ n->envelope, pieces, 2, n->recipients, n->n_recipients };
		} else {
			log_event(LOG_WARN, "outbound.notice-unsigned", LOG_LIST(LOG_S("domain", domain), LOG_C("error", e.log)));
		}
	}
	for (int i = 0; i < n_signers; i++) {
		struct dkim_key *key = (struct dkim_key *)(uintptr_t)signers[i].key;
		dkim_key_unref(&key);
	}
	buf_fini(&whole);
	buf_fini(&fields);
}

static void log_notice(const struct queue_job *j, const struct queue_submission *n, int r)
{
	char id[24];

	snprintf(id, sizeof id, "%llx", (unsigned long long)j->id);
	if (r)
		log_event(LOG_ERROR, "outbound.notice-failed", LOG_LIST(LOG_C("id", id), LOG_C("error", err_text(r)), LOG_C("means", "tried again later")));
	else if (n)
		log_event(LOG_INFO, "outbound.notice", LOG_LIST(LOG_C("id", id), LOG_S("to", n->recipients[0].address), LOG_S("about", j->recipients[0].r.address),
				  LOG_U("recipients", j->n_recipients), LOG_S("status", j->recipients[0].status)));
}

void delivery_notice(struct outbound *o, const struct setup *s, struct queue_job *j)
{
	struct arena a = ARENA_INIT(0);
	struct notice_config c = { .hostname = s->config.hostname, .postmaster = s->config.postmaster, .tell_postmaster = s->config.tell_postmaster,
							   .is_local = o->env.is_local, .ctx = o->env.local_ctx };
	struct queue_submission n = { 0 };
	struct store_blob_view view = { 0 };
	struct str from, domain;

	/* A body that is gone leaves at least the envelope to tell of. */
	int r = queue_job_map(o->env.queue, j, &view);
	if (r)
		log_event(LOG_ERROR, "outbound.body-missing", LOG_LIST(LOG_U("id", j->id), LOG_C("error", err_text(r))));
	r = notice_build(j, view.bytes, &c, &a, &n);
	if (r == 1) {
		str_cut(c.postmaster, '@', &from, &domain);
		sign(o, &a, domain, &n);
	}
	log_notice(j, r == 1 ? &n : NULL, r < 0 ? r : 0);
	o->counters.notices += r == 1;
	if (r >= 0)
		r = queue_finish_notice(o->env.queue, &j, r == 1 ? &n : NULL);
	else
		r = queue_finish(o->env.queue, &j);       /* still owed */
	if (r)
		log_event(LOG_ERROR, "outbound.notice-not-submitted", LOG_LIST(LOG_C("error", err_text(r)), LOG_C("means", "tried again later")));
	store_blob_unmap(o->env.store, &view);
	arena_fini(&a);
}
