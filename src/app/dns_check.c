#include "app/dns_check.h"

#include "app/dns_check_inside.h"
#include "base/ascii.h"
#include "mailauth/domain.h"

#define LINES_MAX ((size_t)16 << 10)     /* octets that one finding says of one kind */
#define SILENCES_MAX 4                   /* unanswered questions before any answer: then no more are asked */

const char *dns_state_text(enum dns_state s)
{
	static const char *const texts[] = { [DNS_RIGHT] = "right", [DNS_UNKNOWN] = "cannot tell", [DNS_MISSING] = "missing", [DNS_WRONG] = "wrong" };
	return texts[s];
}

/* ---- a finding ---- */

void dns_finding_worsen(struct dns_finding *f, enum dns_state s)
{
	f->state = s > f->state ? s : f->state;
}

static void add_line(struct buf *b, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
static void add_line(struct buf *b, const char *format, va_list ap)
{
	size_t from = b->n;

	buf_vprintf(b, format, ap);
	for (size_t i = from; i < b->n; i++)
		if (!ascii_is_print((unsigned char)b->p[i]))
			b->p[i] = '?';
	buf_add_char(b, '\n');
}

void dns_finding_there(struct dns_finding *f, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	add_line(&f->there, format, ap);
	va_end(ap);
}

void dns_finding_note(struct dns_finding *f, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	add_line(&f->notes, format, ap);
	va_end(ap);
}

void dns_finding_wrong(struct dns_finding *f, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	add_line(&f->notes, format, ap);
	va_end(ap);
	f->state = DNS_WRONG;
}

/* ---- asking ---- */

/* A source that does not wait for each answer anew when there never is one. */
struct patience {
	const struct dns_source *inner;
	unsigned silences;
	bool answered;
};

static int ask_patiently(void *ctx, struct arena *a, struct str name, enum dns_type type, struct dns_answer *out)
{
	struct patience *p = ctx;

	if (!p->answered && p->silences >= SILENCES_MAX) {
		*out = (struct dns_answer){ .status = DNS_TEMPORARY, .canonical = name, .why = "the resolver does not answer" };
		return 0;
	}
	int r = dns_query(p->inner, a, name, type, out);
	bool silent = r == 0 && out->status == DNS_TEMPORARY;
	p->silences += silent;
	p->answered = p->answered || !silent;
	return r;
}

/* A name that cannot be one is not there. */
static int ask(const struct dns_checking *c, struct str name, enum dns_type type, struct dns_answer *answer)
{
	int r = dns_query(c->dns, c->arena, name, type, answer);

	if (r != ERR_INVALID)
		return r;
	*answer = (struct dns_answer){ .status = DNS_NXDOMAIN, .canonical = name };
	return 0;
}

static bool is_no_answer(const struct dns_answer *a)
{
	return a->status == DNS_TEMPORARY || a->status == DNS_BOGUS;
}

int dns_check_ask(struct dns_checking *c, struct str name, enum dns_type type, struct dns_answer *answer, struct dns_finding *out)
{
	int r = ask(c, name, type, answer);

	if (r || answer->status == DNS_OK)
		return r;
	dns_finding_worsen(out, is_no_answer(answer) ? DNS_UNKNOWN : DNS_MISSING);
	if (answer->status == DNS_BOGUS)
		dns_finding_note(out, "DNSSEC: the answer is broken or forged: %s", answer->why ? answer->why : "no reason given");
	else if (answer->status == DNS_TEMPORARY)
		dns_finding_note(out, "no answer: %s", answer->why ? answer->why : "no reason given");
	out->publish = !is_no_answer(answer);
	return 0;
}

int dns_check_addresses(struct dns_checking *c, struct str name, struct dns_addresses *out)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA };

	*out = (struct dns_addresses){ .state = DNS_MISSING };
	for (size_t t = 0; t < 2; t++) {
		struct dns_answer answer;
		int r = ask(c, name, types[t], &answer);
		if (r)
			return r;
		if (is_no_answer(&answer))
			out->why = answer.why ? answer.why : "no reason given";
		out->is_alias = out->is_alias || (answer.canonical.n && !str_ieq(answer.canonical, name));
		for (size_t i = 0; answer.status == DNS_OK && i < answer.n && out->n < DNS_CHECK_ADDRESSES; i++)
			out->addr[out->n++] = answer.records[i].addr;
	}
	out->state = out->n ? DNS_RIGHT : out->why ? DNS_UNKNOWN : DNS_MISSING;
	return 0;
}

bool dns_addresses_meet(const struct dns_addresses *a, const struct dns_addresses *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (memcmp(&a->addr[i], &b->addr[j], sizeof a->addr[i]) == 0)
				return true;
	return false;
}

/* ---- the whole ---- */

static int check_zone(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	struct dns_answer answer;
	int code = ask(c, r->owner, DNS_SOA, &answer);

	if (code)
		return code;
	if (answer.status == DNS_NXDOMAIN)
		dns_finding_wrong(out, "the world does not know this name: is the domain registered, and led to its name servers?");
	else if (answer.status == DNS_BOGUS)
		dns_finding_wrong(out, "DNSSEC is broken (%s): for many the domain is not there. Sign it anew, or take its DS record away", answer.why);
	else if (answer.status == DNS_TEMPORARY)
		dns_finding_note(out, "no answer: %s", answer.why ? answer.why : "no reason given");
	else if (!c->facts->validates)
		dns_finding_note(out, "is there; DNSSEC is not looked at (dns.trust_anchor = none)");
	else
		dns_finding_note(out, answer.secure ? "is there and signed (DNSSEC)" : "is there, not signed (DNSSEC): no DANE");
	if (answer.status == DNS_TEMPORARY)
		out->state = DNS_UNKNOWN;
	return 0;
}

static int check_one(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	static dns_check_fn *const checks[] = {
		[DNS_PLAN_ZONE] = check_zone, [DNS_PLAN_MX] = dns_check_mx, [DNS_PLAN_ADDRESS] = dns_check_address, [DNS_PLAN_PTR] = dns_check_ptr,
		[DNS_PLAN_SPF] = dns_check_spf, [DNS_PLAN_SPF_HOST] = dns_check_spf, [DNS_PLAN_DKIM] = dns_check_dkim, [DNS_PLAN_DMARC] = dns_check_dmarc,
		[DNS_PLAN_STS] = dns_check_sts, [DNS_PLAN_STS_HOST] = dns_check_alias, [DNS_PLAN_TLSRPT] = dns_check_tlsrpt, [DNS_PLAN_TLSA] = dns_check_tlsa,
		[DNS_PLAN_SRV] = dns_check_srv, [DNS_PLAN_AUTOCONFIG] = dns_check_alias,
	};
	int code = checks[r->subject](c, r, out);

	if (out->publish && r->hint.n)
		dns_finding_note(out, "%.*s", STR_ARG(r->hint));
	return code ? code : out->there.failed || out->notes.failed ? ERR_NO_MEMORY : 0;
}

static void count(struct dns_counts *n, const struct dns_finding *f)
{
	n->right += f->state == DNS_RIGHT;
	n->unknown += f->state == DNS_UNKNOWN;
	n->missing += f->state == DNS_MISSING;
	n->wrong += f->state == DNS_WRONG;
	n->faults += f->state == DNS_WRONG || (f->state != DNS_RIGHT && f->record->need == DNS_REQUIRED);
}

int dns_check(const struct dns_source *dns, const struct dns_plan *p, struct arena *a, dns_report_fn *report, void *ctx, struct dns_counts *out)
{
	struct patience patience = { .inner = dns };
	struct dns_source patient = { ask_patiently, &patience };
	struct dns_checking c = { .dns = &patient, .plan = p, .facts = p->facts, .arena = a };
	int r = dns_check_addresses(&c, p->facts->host, &c.host);

	*out = (struct dns_counts){ .right = 0 };
	for (size_t i = 0; r == 0 && i < p->n; i++) {
		struct dns_finding f = { .record = &p->records[i], .there = BUF_INIT(LINES_MAX), .notes = BUF_INIT(LINES_MAX) };
		r = check_one(&c, f.record, &f);
		if (r == 0) {
			count(out, &f);
			report(ctx, &f);
		}
		buf_fini(&f.there);
		buf_fini(&f.notes);
	}
	return r;
}
