#include "report/report.h"

#include "base/clock.h"
#include "report/dmarc_row.h"
#include "report/send.h"
#include "report/tally.h"

#include <pthread.h>
#include <stdatomic.h>

struct report {
	struct tally *tally;
	struct queue *queue;
	struct dns_source dns;
	_Atomic bool stopped;
	pthread_mutex_t lock;            /* a leaf: config */
	struct arena strings;
	struct report_config config;
};

int report_create(struct store *s, struct queue *q, const struct dns_source *dns, const struct report_config *c, struct report **out)
{
	struct report *r = calloc(1, sizeof *r);
	if (!r)
		return ERR_NO_MEMORY;
	r->queue = q;
	r->dns = *dns;
	pthread_mutex_init(&r->lock, NULL);
	int rc = tally_create(s, &r->tally);
	if (rc == 0)
		rc = report_set_config(r, c);
	if (rc) {
		report_destroy(&r);
		return rc;
	}
	*out = r;
	return 0;
}

void report_destroy(struct report **r)
{
	if (!*r)
		return;
	if ((*r)->tally)
		tally_flush((*r)->tally);
	tally_destroy(&(*r)->tally);
	arena_fini(&(*r)->strings);
	pthread_mutex_destroy(&(*r)->lock);
	free(*r);
	*r = NULL;
}

static void copy_config(const struct report_config *c, struct arena *a, struct report_config *out)
{
	*out = *c;
	out->hostname = arena_dup(a, c->hostname);
	out->sender = c->sender.n ? arena_dup(a, c->sender) : arena_printf(a, "postmaster@%.*s", STR_ARG(c->hostname));
	out->ca_file = c->ca_file ? arena_dup_c(a, str_from_c(c->ca_file)) : NULL;
}

int report_set_config(struct report *r, const struct report_config *c)
{
	struct arena fresh = ARENA_INIT(1 << 20);
	struct report_config copy;

	copy_config(c, &fresh, &copy);
	if (fresh.failed) {
		arena_fini(&fresh);
		return ERR_NO_MEMORY;
	}
	pthread_mutex_lock(&r->lock);
	struct arena old = r->strings;
	r->strings = fresh;
	r->config = copy;
	pthread_mutex_unlock(&r->lock);
	arena_fini(&old);
	return 0;
}

static void snapshot(struct report *r, struct arena *a, struct report_config *out)
{
	pthread_mutex_lock(&r->lock);
	copy_config(&r->config, a, out);
	pthread_mutex_unlock(&r->lock);
}

void report_dmarc(struct report *r, const struct mailauth_question *q, const struct mailauth_verdict *v, enum dmarc_policy done)
{
	const struct dmarc_answer *d = &v->dmarc;
	struct buf row = BUF_INIT(8192);

	pthread_mutex_lock(&r->lock);
	bool wanted = r->config.dmarc && (d->result == DMARC_PASS || d->result == DMARC_FAIL) && d->record.n_rua;
	pthread_mutex_unlock(&r->lock);
	if (!wanted)
		return;
	struct dmarc_row x = {
		.ip = q->ip, .disposition = done, .overridden = d->result == DMARC_FAIL && done != d->policy, .dkim_aligned = d->dkim_aligned,
		.spf_aligned = d->spf_aligned, .header_from = v->from_domain, .spf_domain = v->spf.domain, .spf_is_helo = q->sender.n == 0, .spf = v->spf.result };
	size_t at = str_rchr(q->sender, '@');
	if (at != STR_NPOS)
		x.envelope_from = str_from(q->sender, at + 1);
	for (; x.n_dkim < v->n_dkim && x.n_dkim < DMARC_ROW_SIGNATURES_MAX; x.n_dkim++) {
		x.dkim[x.n_dkim].domain = v->dkim[x.n_dkim].domain;
		x.dkim[x.n_dkim].selector = v->dkim[x.n_dkim].selector;
		x.dkim[x.n_dkim].result = v->dkim[x.n_dkim].result;
	}
	dmarc_row_encode(&x, &row);
	if (!row.failed)
		tally_add(r->tally, TALLY_DMARC, tally_day(q->now), d->record.domain, buf_str(&row));
	buf_fini(&row);
}

void report_tls(struct report *r, struct str domain, const struct tls_row *x)
{
	struct buf row = BUF_INIT(8192);

	pthread_mutex_lock(&r->lock);
	bool wanted = r->config.tls;
	pthread_mutex_unlock(&r->lock);
	if (!wanted)
		return;
	tls_row_encode(x, &row);
	if (!row.failed)
		tally_add(r->tally, TALLY_TLS, tally_day(clock_now()), domain, buf_str(&row));
	buf_fini(&row);
}

void report_stop(struct report *r)
{
	r->stopped = true;
}

int report_flush(struct report *r)
{
	return tally_flush(r->tally);
}

/* One kind; keeps what could not be sent for want of an answer. */
static int send_kind(struct report *r, struct sending *s, enum tally_kind kind, uint32_t today, unsigned *n)
{
	struct tally *t = r->tally;
	struct arena list_memory = ARENA_INIT(0);
	struct tally_domain *list;
	size_t n_list;
	int rc = tally_domains(t, kind, today, &list_memory, &list, &n_list);

	for (size_t i = 0; rc == 0 && i < n_list && !r->stopped; i++) {
		struct arena a = ARENA_INIT(0);
		struct tally_row *rows;
		size_t n_rows;
		rc = tally_rows(t, kind, &list[i], &a, &rows, &n_rows);
		int sent = rc ? rc : kind == TALLY_DMARC ? send_dmarc(s, &a, &list[i], rows, n_rows) : send_tls(s, &a, &list[i], rows, n_rows);
		if (sent > 0)
			*n += (unsigned)sent;
		if (sent >= 0 || list[i].day + REPORT_KEEP_DAYS < today)
			rc = tally_forget(t, kind, &list[i]);
		arena_fini(&a);
	}
	arena_fini(&list_memory);
	return rc;
}

int report_send(struct report *r, int64_t now, unsigned *n_out)
{
	struct arena a = ARENA_INIT(1 << 20);
	struct report_config config;
	struct sending s = { .config = &config, .queue = r->queue, .dns = &r->dns, .now = now };

	*n_out = 0;
	snapshot(r, &a, &config);
	int rc = a.failed ? ERR_NO_MEMORY : tally_flush(r->tally);
	if (rc == 0)
		rc = send_kind(r, &s, TALLY_DMARC, tally_day(now), n_out);
	if (rc == 0)
		rc = send_kind(r, &s, TALLY_TLS, tally_day(now), n_out);
	arena_fini(&a);
	return rc;
}
