#include "mailauth/dmarc_walk.h"

#include "mailauth/dmarc_record.h"
#include "mailauth/domain.h"
#include "rt/dns_name.h"

#define WALK_LABELS (DMARC_WALK_MAX - 1)     /* "removed until 7 labels remain" */

int dmarc_query(const struct dns_source *dns, struct arena *a, struct str name, struct dns_answer *out)
{
	if (!dns_name_is_valid(name))
		return ERR_NOT_FOUND;
	int err = dns_query(dns, a, name, DNS_TXT, out);
	if (err == ERR_NO_MEMORY)
		return err;
	if (err == ERR_INVALID)
		return ERR_NOT_FOUND;
	if (err || out->status == DNS_TEMPORARY || out->status == DNS_BOGUS)
		return ERR_RETRY;
	return out->status == DNS_OK ? 0 : ERR_NOT_FOUND;
}

/* "Records that do not start with a "v" tag that identifies the current version of DMARC are discarded. If multiple DMARC Policy Records are returned
 * for a single target, they are all discarded." */
static int find_record(const struct dns_source *dns, struct arena *a, struct str domain, struct dmarc_record *out)
{
	struct dns_answer answer;
	const struct dns_record *one = NULL;
	struct str name = arena_printf(a, "_dmarc.%.*s", STR_ARG(domain));
	if (!name.p)
		return ERR_NO_MEMORY;
	int err = dmarc_query(dns, a, name, &answer);
	if (err)
		return err;
	for (size_t i = 0; i < answer.n; i++) {
		if (!dmarc_record_is_ours(answer.records[i].text))
			continue;
		if (one)
			return ERR_NOT_FOUND;
		one = &answer.records[i];
	}
	err = one ? dmarc_record_parse(one->text, a, out) : ERR_NOT_FOUND;
	out->domain = domain;
	return err;
}

int dmarc_walk(const struct dns_source *dns, struct arena *a, struct str domain, struct dmarc_walk *out)
{
	size_t labels = domain_label_count(domain);
	struct str target = domain;
	*out = (struct dmarc_walk){ .start = domain };
	while (labels > 0) {
		struct dmarc_record *r = &out->found[out->n];
		int err = find_record(dns, a, target, r);
		if (err == ERR_NO_MEMORY)
			return err;
		if (err == ERR_RETRY) {
			out->failed = true;
			return 0;
		}
		if (err == ERR_INVALID)
			out->invalid = true;
		if (!err && (out->n++, r->psd != DMARC_PSD_UNKNOWN))
			return 0;
		labels = labels > WALK_LABELS ? WALK_LABELS : labels - 1;
		target = domain_last_labels(domain, labels);
	}
	return 0;
}

/* 4.10.2, the three rules and what holds without them. */
struct str dmarc_walk_organization(const struct dmarc_walk *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct dmarc_record *r = &w->found[i];
		if (r->psd == DMARC_PSD_NO)
			return r->domain;
		if (r->psd == DMARC_PSD_YES && r->domain.n != w->start.n)
			return domain_last_labels(w->start, domain_label_count(r->domain) + 1);
	}
	return w->n > 0 ? w->found[w->n - 1].domain : w->start;
}
