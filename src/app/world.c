#include "app/world.h"

#include "base/clock.h"
#include "rt/log.h"

static bool is_local(void *ctx, struct str domain)
{
	return directory_domain_is_local(ctx, domain);
}

/* Reports come from the postmaster of the first domain: an address that is read, in a domain with keys. */
static struct str default_sender(struct world *w, struct arena *a)
{
	struct str *domains;
	size_t n = 0;

	if (directory_domain_list(w->house->directory, a, &domains, &n) || n == 0)
		return STR_NONE;
	return arena_printf(a, "postmaster@%.*s", STR_ARG(domains[0]));
}

static void report_config_of(struct world *w, const struct app_config *c, const struct dkim_keyring *keyring, struct arena *a, struct report_config *out)
{
	*out = (struct report_config){ .hostname = c->mail.hostname, .sender = c->report.sender.n ? c->report.sender : default_sender(w, a),
								   .dmarc = c->report.dmarc, .tls = c->report.tls, .ca_file = c->report.ca_file, .is_local = is_local,
								   .is_local_ctx = w->house->directory };
	if (keyring)
		out->keyring = *keyring;
}

int world_open(struct world *w, struct house *h, struct queue *q, const struct app_config *c, const struct dkim_keyring *keyring, struct err *e)
{
	struct arena a = ARENA_INIT(0);
	struct report_config report;

	*w = (struct world){ .house = h };
	int r = dns_open(&c->dns, &w->dns, e);
	if (r == 0) {
		w->source = dns_source(w->dns);
		r = pages_create(h->directory, &w->pages);
	}
	if (r == 0)
		r = pages_set_config(w->pages, c);
	if (r == 0)
		r = tls_challenges_create(&w->challenges);
	if (r == 0)
		r = certificates_create(h->dir, w->pages, w->challenges, &w->stopping, &w->certificates);
	if (r == 0) {
		report_config_of(w, c, keyring, &a, &report);
		r = report_create(h->store, q, &w->source, &report, &w->report);
	}
	arena_fini(&a);
	return r;
}

void world_close(struct world *w)
{
	report_destroy(&w->report);
	certificates_destroy(&w->certificates);
	tls_challenges_destroy(&w->challenges);
	pages_destroy(&w->pages);
	dns_close(&w->dns);
}

void world_stop(struct world *w)
{
	w->stopping = true;
	report_stop(w->report);
}

int world_set_config(struct world *w, const struct app_config *c, const struct dkim_keyring *keyring)
{
	struct arena a = ARENA_INIT(0);
	struct report_config report;
	int r = pages_set_config(w->pages, c);

	report_config_of(w, c, keyring, &a, &report);
	if (r == 0)
		r = report_set_config(w->report, &report);
	arena_fini(&a);
	return r;
}

void world_minute(struct world *w, int64_t now)
{
	unsigned n = 0;
	int r = report_flush(w->report);

	if (r == 0 && w->reported_day != now / 86400) {
		r = report_send(w->report, now, &n);
		if (r == 0)
			w->reported_day = now / 86400;
	}
	if (r)
		log_event(LOG_WARN, "report.failed", LOG_LIST(LOG_C("why", err_text(r))));
	else if (n)
		log_event(LOG_INFO, "report.sent", LOG_LIST(LOG_U("reports", n)));
}

/* What does not resolve cannot be proven. */
static bool resolves(struct world *w, struct arena *a, struct str name)
{
	struct dns_answer v4, v6;
	return (dns_query(&w->source, a, name, DNS_A, &v4) == 0 && v4.status == DNS_OK) || (dns_query(&w->source, a, name, DNS_AAAA, &v6) == 0 && v6.status == DNS_OK);
}

bool world_renewal_init(struct world_renewal *r, const struct app_config *c)
{
	*r = (struct world_renewal){ .arena = ARENA_INIT(0), .policies = c->sts.mode != STS_NONE };
	r->arena.wipe = true;        /* the secret of an account */
	if (!c->acme.agree)
		return false;
	r->hostname = arena_dup(&r->arena, c->mail.hostname);
	return certificates_config_copy(&c->acme, &r->arena, &r->acme) == 0;
}

void world_renewal_fini(struct world_renewal *r) { arena_fini(&r->arena); }

bool world_renew(struct world *w, const struct world_renewal *r, int64_t now)
{
	struct arena a = ARENA_INIT(0);
	struct str *domains, *names;
	size_t n_domains = 0, n = 0;
	bool renewed = false;

	if (directory_domain_list(w->house->directory, &a, &domains, &n_domains) == 0 &&
		(names = arena_array(&a, n_domains + 1, sizeof *names))) {
		names[n++] = r->hostname;
		for (size_t i = 0; i < n_domains && r->policies && n < ACME_NAMES_MAX; i++)
			if (resolves(w, &a, names[n] = arena_printf(&a, "mta-sts.%.*s", STR_ARG(domains[i]))))
				n++;
		renewed = !a.failed && certificates_run(w->certificates, &r->acme, names, n, now) == 1;
	}
	arena_fini(&a);
	return renewed;
}

void world_report_dmarc(void *ctx, const struct mailauth_question *q, const struct mailauth_verdict *v, enum dmarc_policy done)
{
	struct world *w = ctx;
	report_dmarc(w->report, q, v, done);
}
