#include "mailauth/dmarc.h"

#include "mailauth/dmarc_record.h"
#include "mailauth/dmarc_walk.h"
#include "mailauth/domain.h"

const char *dmarc_result_text(enum dmarc_result r)
{
	static const char *const texts[] = {
		[DMARC_NONE] = "none", [DMARC_PASS] = "pass", [DMARC_FAIL] = "fail", [DMARC_TEMPERROR] = "temperror", [DMARC_PERMERROR] = "permerror",
	};
	return texts[r];
}

const char *dmarc_policy_text(enum dmarc_policy p)
{
	static const char *const texts[] = { [DMARC_POLICY_NONE] = "none", [DMARC_POLICY_QUARANTINE] = "quarantine", [DMARC_POLICY_REJECT] = "reject" };
	return texts[p];
}

/* ---- policy discovery: the successor's 4.10.1 ---- */

/* "The Author Domain; the Organizational Domain of the Author Domain; the Public Suffix Domain of the Author Domain": the last is the end of the walk. */
static const struct dmarc_record *choose(const struct dmarc_walk *w, struct str organization)
{
	if (w->n == 0 || w->found[0].domain.n == w->start.n)
		return w->n > 0 ? &w->found[0] : NULL;
	for (size_t i = 0; i < w->n; i++)
		if (str_eq(w->found[i].domain, organization))
			return &w->found[i];
	return &w->found[w->n - 1];
}

int dmarc_discover(const struct dns_source *dns, struct arena *a, struct str author_domain, struct dmarc_record *out)
{
	struct dmarc_walk walk;
	*out = (struct dmarc_record){ 0 };
	int err = dmarc_walk(dns, a, author_domain, &walk);
	if (err)
		return err;
	struct str organization = dmarc_walk_organization(&walk);
	const struct dmarc_record *record = choose(&walk, organization);
	bool own = record && record->domain.n == author_domain.n;
	/* The author's own record applies wherever the walk would have ended. */
	if (walk.failed && !own)
		return ERR_RETRY;
	if (!record)
		return walk.invalid ? ERR_INVALID : ERR_NOT_FOUND;
	*out = *record;
	out->organization = walk.failed ? STR_NONE : organization;
	return 0;
}

/* ---- alignment: 4.10.2 ---- */

enum alignment { ALIGNED, NOT_ALIGNED, CANNOT_SAY, OUT_OF_MEMORY };

/* Has the identifier the author's organization? Whatever does not lie within it has another. */
static enum alignment align(const struct dns_source *dns, struct arena *a, const struct dmarc_record *r, struct str author, struct str identifier, bool strict)
{
	struct dmarc_walk walk;
	if (str_ieq(identifier, author))
		return ALIGNED;
	if (strict)
		return NOT_ALIGNED;
	if (r->organization.n == 0)
		return CANNOT_SAY;
	struct str domain;
	int err = domain_to_ascii(a, identifier, &domain);
	if (err)
		return err == ERR_NO_MEMORY ? OUT_OF_MEMORY : NOT_ALIGNED;
	if (!domain_is_within(domain, r->organization))
		return NOT_ALIGNED;
	if (dmarc_walk(dns, a, domain, &walk))
		return OUT_OF_MEMORY;
	if (walk.failed)
		return CANNOT_SAY;
	return str_eq(dmarc_walk_organization(&walk), r->organization) ? ALIGNED : NOT_ALIGNED;
}

/* What is known after all identifiers: RFC 7489 6.6.2, "If neither passes and one or both of them fail due to a temporary error, the Receiver [...] is
 * unable to conclude". */
struct tally {
	bool unknown, no_memory;
};

/* An identifier that passed, or might have passed but for a temporary error. True: it passed and is aligned. */
static bool count(struct tally *t, enum alignment alignment, bool passed)
{
	t->no_memory = t->no_memory || alignment == OUT_OF_MEMORY;
	t->unknown = t->unknown || alignment == CANNOT_SAY || (alignment == ALIGNED && !passed);
	return alignment == ALIGNED && passed;
}

static void align_all(const struct dns_source *dns, struct arena *a, const struct dmarc_question *q, struct dmarc_answer *out, struct tally *t)
{
	const struct dmarc_record *r = &out->record;
	if (q->spf && (q->spf->result == SPF_PASS || q->spf->result == SPF_TEMPERROR))
		out->spf_aligned = count(t, align(dns, a, r, q->from_domain, q->spf->domain, r->strict_spf), q->spf->result == SPF_PASS);
	for (size_t i = 0; i < q->n_dkim && !out->dkim_aligned; i++) {
		const struct dkim_verdict *d = &q->dkim[i];
		if (d->result == DKIM_PASS || d->result == DKIM_TEMPERROR)
			out->dkim_aligned = count(t, align(dns, a, r, q->from_domain, d->domain, r->strict_dkim), d->result == DKIM_PASS);
	}
}

/* ---- the policy ---- */

/* RFC 8020: NXDOMAIN for any type says that there is nothing. */
static int exists(const struct dns_source *dns, struct arena *a, struct str domain)
{
	struct dns_answer answer;
	int err = dns_query(dns, a, domain, DNS_A, &answer);
	if (err == ERR_NO_MEMORY)
		return err;
	if (err || answer.status == DNS_TEMPORARY || answer.status == DNS_BOGUS)
		return ERR_RETRY;
	return answer.status != DNS_NXDOMAIN;
}

/* p= for the domain itself; below it np= or sp=. t=y: "one level below the specified policy". */
static int choose_policy(const struct dns_source *dns, struct arena *a, struct str author, const struct dmarc_record *r, enum dmarc_policy *out)
{
	*out = r->p;
	if (r->domain.n != author.n) {
		int there = r->np == r->sp ? 1 : exists(dns, a, author);
		if (there < 0)
			return there;
		*out = there ? r->sp : r->np;
	}
	if (r->testing && *out > DMARC_POLICY_NONE)
		*out -= 1;
	return 0;
}

static int failed(struct dmarc_answer *out, int err)
{
	if (err == ERR_NO_MEMORY)
		return err;
	out->policy = DMARC_POLICY_NONE;
	out->result = err == ERR_NOT_FOUND ? DMARC_NONE : err == ERR_INVALID ? DMARC_PERMERROR : DMARC_TEMPERROR;
	out->problem = err == ERR_NOT_FOUND ? NULL : err == ERR_INVALID ? "the DMARC record is malformed" : "DNS failed";
	return 0;
}

int dmarc_check(const struct dns_source *dns, struct arena *a, const struct dmarc_question *q, struct dmarc_answer *out)
{
	struct tally tally = { 0 };
	*out = (struct dmarc_answer){ .result = DMARC_PERMERROR, .problem = "not one author's domain in From" };
	if (q->from_domain.n == 0)
		return 0;
	out->problem = NULL;
	int err = dmarc_discover(dns, a, q->from_domain, &out->record);
	if (err)
		return failed(out, err);
	align_all(dns, a, q, out, &tally);
	if (tally.no_memory)
		return ERR_NO_MEMORY;
	out->result = out->spf_aligned || out->dkim_aligned ? DMARC_PASS : DMARC_FAIL;
	if (out->result == DMARC_FAIL && tally.unknown)
		return failed(out, ERR_RETRY);
	err = choose_policy(dns, a, q->from_domain, &out->record, &out->policy);
	if (err && (err == ERR_NO_MEMORY || out->result == DMARC_FAIL))
		return failed(out, err);
	return 0;
}

/* ---- reports: RFC 7489 7.1 ---- */

/* Are both of one organization? 1, 0, ERR_RETRY, ERR_NO_MEMORY. */
static int is_same_organization(const struct dns_source *dns, struct arena *a, struct str x, struct str y)
{
	struct dmarc_walk walk_x, walk_y;
	if (str_eq(x, y))
		return 1;
	if (dmarc_walk(dns, a, x, &walk_x))
		return ERR_NO_MEMORY;
	if (walk_x.failed)
		return ERR_RETRY;
	struct str organization = dmarc_walk_organization(&walk_x);
	if (!domain_is_within(y, organization))
		return 0;
	if (dmarc_walk(dns, a, y, &walk_y))
		return ERR_NO_MEMORY;
	return walk_y.failed ? ERR_RETRY : str_eq(dmarc_walk_organization(&walk_y), organization);
}

int dmarc_may_report(const struct dns_source *dns, struct arena *a, struct str domain, struct str destination_domain)
{
	struct dns_answer answer;
	struct str from, to;
	int err = domain_to_ascii(a, domain, &from);
	if (!err)
		err = domain_to_ascii(a, destination_domain, &to);
	if (err)
		return err == ERR_NO_MEMORY ? err : 0;
	int same = is_same_organization(dns, a, from, to);
	if (same)
		return same;
	struct str name = arena_printf(a, "%.*s._report._dmarc.%.*s", STR_ARG(from), STR_ARG(to));
	if (!name.p)
		return ERR_NO_MEMORY;
	err = dmarc_query(dns, a, name, &answer);
	if (err)
		return err == ERR_NOT_FOUND ? 0 : err;
	for (size_t i = 0; i < answer.n; i++)
		if (dmarc_record_is_ours(answer.records[i].text))
			return 1;
	return 0;
}
