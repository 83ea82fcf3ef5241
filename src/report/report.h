/* What we tell other domains about mail that claims to be theirs (DMARC aggregate reports, RFC 7489 7) and about TLS towards them
 * (RFC 8460): counted as it happens, sent once a day. Any thread. Made by app/, which hands down who signs and what is local. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "base/err.h"
#include "mailauth/check.h"
#include "queue/queue.h"
#include "report/tls_row.h"
#include "rt/dns.h"

struct report;
struct report_config {
	struct str hostname;             /* who reports */
	struct str sender;               /* address that the reports come from, and the contact in them; empty: postmaster@hostname */
	bool dmarc, tls;                 /* count and send */
	const char *ca_file;             /* for reports to https: addresses; NULL: the system's */
	struct dkim_keyring keyring;     /* signs the reports; signers == NULL: unsigned */
	bool (*is_local)(void *ctx, struct str domain);
	void *is_local_ctx;
};
int report_create(struct store *s, struct queue *q, const struct dns_source *dns, const struct report_config *c, struct report **out);
void report_destroy(struct report **r);        /* flushes; accepts NULL */
int report_set_config(struct report *r, const struct report_config *c);

/* A message was judged; `done` is what was done with it. Counted when its domain wants reports. */
void report_dmarc(struct report *r, const struct mailauth_question *q, const struct mailauth_verdict *v, enum dmarc_policy done);
/* A session with a mail exchanger of `domain`. */
void report_tls(struct report *r, struct str domain, const struct tls_row *row);

/* A report_send under way ends after the domain at hand, and later ones do nothing. */
void report_stop(struct report *r);
int report_flush(struct report *r);            /* every minute */
/* Sends what is due: all days before today (UTC). Domains that want none are forgotten. *n_out: reports made. A domain whose DNS does not
 * answer stays for the next run, for REPORT_KEEP_DAYS. */
#define REPORT_KEEP_DAYS 7
int report_send(struct report *r, int64_t now, unsigned *n_out);

#endif
