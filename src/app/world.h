/* What a mail server needs of the world besides mail: names (DNS), certificates, the pages it must show, reports. Made by serve. */
#ifndef APP_WORLD_H
#define APP_WORLD_H

#include "app/certificates.h"
#include "app/config.h"
#include "app/house.h"
#include "app/pages.h"
#include "report/report.h"
#include "rt/dns.h"

struct world {
	struct house *house;
	struct dns *dns;
	struct dns_source source;            /* of dns */
	struct pages *pages;
	struct tls_challenges *challenges;
	struct certificates *certificates;
	struct report *report;
	_Atomic bool stopping;
	int64_t reported_day;                /* when reports were last sent; 0: not since the start */
};

/* keyring signs the reports. On failure world_close all the same. */
int world_open(struct world *w, struct house *h, struct queue *q, const struct app_config *c, const struct dkim_keyring *keyring, struct err *e);
void world_close(struct world *w);
/* Its jobs, which may take minutes, end soon. Any thread. */
void world_stop(struct world *w);
/* A new configuration; what of it needs a restart (DNS) stays. */
int world_set_config(struct world *w, const struct app_config *c, const struct dkim_keyring *keyring);
/* Every minute, on a worker: counts to the store, reports of days that are over. */
void world_minute(struct world *w, int64_t now);
/* What getting a certificate goes by: a copy, since that takes minutes, and a reload may come in between. */
struct world_renewal {
	struct arena arena;
	struct certificates_config acme;
	struct str hostname;
	bool policies;                       /* the names of MTA-STS are wanted too */
};
/* False: no certificate is wanted, or there is no memory. world_renewal_fini in any case. */
bool world_renewal_init(struct world_renewal *r, const struct app_config *c);
void world_renewal_fini(struct world_renewal *r);
/* Gets or renews the certificate where that is needed: true when a new one is there. May block for minutes. */
bool world_renew(struct world *w, const struct world_renewal *r, int64_t now);
/* For smtp_service.report; ctx is the world. */
void world_report_dmarc(void *ctx, const struct mailauth_question *q, const struct mailauth_verdict *v, enum dmarc_policy done);

#endif
