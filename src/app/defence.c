#include "app/defence.h"

#include "guard/dnsbl.h"
#include "milter/limits.h"
#include "rt/log.h"

static void guard_config_of(const struct app_config *c, struct guard_config *out)
{
	*out = c->guard;
	out->hostname = c->mail.hostname;
	out->dnsbl = c->guard_dnsbl.v;
	out->n_dnsbl = c->guard_dnsbl.n;
}

static int set_filters(struct smtp_milters *m, const struct option_list *lines, struct err *e)
{
	struct milter_filters *f;
	int r = milter_filters_create(lines->v, lines->n, &f, e);

	if (r == 0)
		smtp_milters_set(m, f);
	milter_filters_unref(&f);
	return r;
}

int defence_set_config(struct defence *d, const struct app_config *c, struct err *e)
{
	struct guard_config guard;

	guard_config_of(c, &guard);
	int r = guard_set_config(d->guard, &guard, e);
	if (r == 0)
		r = set_filters(d->milters, &c->milter_filters, e);
	return r ? r : set_filters(d->submission_milters, &c->milter_submission_filters, e);
}

int defence_open(struct defence *d, struct house *h, const struct dns_source *dns, const struct app_config *c, struct err *e)
{
	struct guard_config guard;

	*d = (struct defence){ .guard = NULL };
	guard_config_of(c, &guard);
	int r = guard_open(h->store, dns, &guard, &d->guard, e);
	if (r == 0)
		r = smtp_milters_create(&d->milters);
	if (r == 0)
		r = smtp_milters_create(&d->submission_milters);
	if (r == 0)
		r = defence_set_config(d, c, e);
	if (r)
		return r;
	/* the guard first: who is turned away need not be looked at by filters */
	d->smtp[0] = d->submission[0] = smtp_gate_guard(d->guard);
	d->smtp[1] = d->lmtp[0] = smtp_gate_milters(d->milters);
	d->submission[1] = smtp_gate_milters(d->submission_milters);
	return 0;
}

void defence_close(struct defence *d)
{
	smtp_milters_destroy(&d->milters);
	smtp_milters_destroy(&d->submission_milters);
	guard_close(&d->guard);
}

void defence_minute(struct defence *d, int64_t now)
{
	int r = guard_tick(d->guard, now);

	if (r)
		log_event(LOG_WARN, "guard.not-kept", LOG_LIST(LOG_C("why", err_text(r))));
}

int defence_check(struct app_config *c, struct err *e)
{
	const struct option_list *const filters[] = { &c->milter_filters, &c->milter_submission_filters };
	struct milter_filter filter;
	struct dnsbl_zone zone;
	int r = 0;

	if (c->guard_dnsbl.n > DNSBL_ZONES_MAX)
		return err_set(e, ERR_CONFIG, NULL, "more than %d block lists", DNSBL_ZONES_MAX);
	for (size_t i = 0; r == 0 && i < c->guard_dnsbl.n; i++)
		r = dnsbl_parse(&c->arena, c->guard_dnsbl.v[i], &zone, e);
	for (size_t k = 0; k < 2; k++) {
		if (filters[k]->n > MILTER_FILTERS_MAX)
			return err_set(e, ERR_CONFIG, NULL, "more than %d filters", MILTER_FILTERS_MAX);
		for (size_t i = 0; r == 0 && i < filters[k]->n; i++)
			r = milter_filter_parse(&c->arena, filters[k]->v[i], &filter, e);
	}
	return r;
}
