#include "outbound/delivery.h"

#include "outbound/notice.h"
#include "rt/log.h"

static void log_notice(const struct queue_job *j, const struct queue_submission *n, int r)
{
	if (r)
		log_event(LOG_ERROR, "outbound.notice-failed", LOG_LIST(LOG_X("id", j->id), LOG_C("error", err_text(r)), LOG_C("means", "tried again later")));
	else if (n)
		log_event(LOG_INFO, "outbound.notice", LOG_LIST(LOG_X("id", j->id), LOG_S("to", n->recipients[0].address), LOG_S("about", j->recipients[0].r.address),
				  LOG_U("recipients", j->n_recipients), LOG_S("status", j->recipients[0].status)));
}

void delivery_notice(struct outbound *o, const struct setup *s, struct queue_job *j)
{
	struct arena a = ARENA_INIT(0);
	struct notice_config c = { .hostname = s->config.hostname, .postmaster = s->config.postmaster, .tell_postmaster = s->config.tell_postmaster,
							   .is_local = o->env.is_local, .ctx = o->env.local_ctx, .keyring = o->env.keyring };
	struct queue_submission n = { 0 };
	struct store_blob_view view = { 0 };

	/* A body that is gone leaves at least the envelope to tell of. */
	int r = queue_job_map(o->env.queue, j, &view);
	if (r)
		log_event(LOG_ERROR, "outbound.body-missing", LOG_LIST(LOG_X("id", j->id), LOG_C("error", err_text(r))));
	r = notice_build(j, view.bytes, &c, &a, &n);
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
