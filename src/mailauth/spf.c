#include "mailauth/spf.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "mailauth/domain.h"
#include "mailauth/limits.h"
#include "mailauth/spf_eval.h"
#include "rt/dns_name.h"

const char *spf_result_text(enum spf_result r)
{
	static const char *const texts[] = {
		[SPF_NONE] = "none", [SPF_NEUTRAL] = "neutral", [SPF_PASS] = "pass", [SPF_FAIL] = "fail",
		[SPF_SOFTFAIL] = "softfail", [SPF_TEMPERROR] = "temperror", [SPF_PERMERROR] = "permerror",
	};
	return texts[r];
}

/* What matched at the end of a chain of redirects. */
struct matched {
	struct str mechanism;
	struct str exp, domain;             /* the exp= of that record, and whose record it is */
};

static enum spf_result check_host(struct spf_eval *e, struct str domain, struct matched *matched);

static enum spf_result stop(struct spf_eval *e, enum spf_result result, const char *problem)
{
	if (!e->problem)
		e->problem = problem;
	return result;
}

/* ---- finding the record: 4.4 and 4.5 ---- */

static enum spf_result find_record(struct spf_eval *e, struct str domain, struct spf_record *out)
{
	struct dns_answer answer = spf_query(e, domain, DNS_TXT);
	const struct dns_record *found = NULL;
	const char *problem = NULL;
	if (answer.status == DNS_TEMPORARY || answer.status == DNS_BOGUS)
		return stop(e, SPF_TEMPERROR, "DNS failed for a TXT record");
	for (size_t i = 0; answer.status == DNS_OK && i < answer.n; i++) {
		if (!spf_record_is_ours(answer.records[i].text))
			continue;
		if (found)
			return stop(e, SPF_PERMERROR, "more than one SPF record");
		found = &answer.records[i];
	}
	if (!found)
		return SPF_NONE;
	int err = spf_record_parse(found->text, e->arena, out, &problem);
	if (err == ERR_NO_MEMORY)
		e->no_memory = true;
	return err ? stop(e, SPF_PERMERROR, problem) : SPF_PASS;
}

/* ---- evaluating it: 4.6 ---- */

/* 4.6.4: "the "include", "a", "mx", "ptr", and "exists" mechanisms, and the "redirect" modifier" */
static bool is_over_lookups(struct spf_eval *e) { return ++e->lookups > SPF_LOOKUPS_MAX; }

/* 5.2: the table of what a recursive check_host() causes. */
static enum spf_match match_include(struct spf_eval *e, const struct spf_directive *d)
{
	struct matched ignored;
	struct str target = spf_target_name(e, d->domain_spec);
	enum spf_result result = check_host(e, target, &ignored);
	e->term_was_void = false;
	switch (result) {
	case SPF_PASS:
		return SPF_MATCH;
	case SPF_TEMPERROR:
		return SPF_MATCH_TEMPERROR;
	case SPF_NONE:
		stop(e, result, "an included domain has no SPF record");
		return SPF_MATCH_PERMERROR;
	case SPF_PERMERROR:
		return SPF_MATCH_PERMERROR;
	default:
		return SPF_NO_MATCH;
	}
}

static enum spf_match match_directive(struct spf_eval *e, const struct spf_directive *d)
{
	bool asks = d->mechanism != SPF_ALL && d->mechanism != SPF_IP4 && d->mechanism != SPF_IP6;
	if (asks && is_over_lookups(e)) {
		stop(e, SPF_PERMERROR, "more than 10 terms ask DNS");
		return SPF_MATCH_PERMERROR;
	}
	e->term_was_void = false;
	enum spf_match m = d->mechanism == SPF_INCLUDE ? match_include(e, d) : spf_mechanism_match(e, d);
	if (m == SPF_NO_MATCH && e->term_was_void && ++e->voids > SPF_VOIDS_MAX) {
		stop(e, SPF_PERMERROR, "more than 2 terms got no record from DNS");
		return SPF_MATCH_PERMERROR;
	}
	return m;
}

/* 6.1 */
static enum spf_result follow_redirect(struct spf_eval *e, struct str domain_spec, struct matched *matched)
{
	if (is_over_lookups(e))
		return stop(e, SPF_PERMERROR, "more than 10 terms ask DNS");
	enum spf_result result = check_host(e, spf_target_name(e, domain_spec), matched);
	return result == SPF_NONE ? stop(e, SPF_PERMERROR, "redirect= leads to no SPF record") : result;
}

static enum spf_result evaluate(struct spf_eval *e, const struct spf_record *r, struct matched *matched)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct spf_directive *d = &r->directives[i];
		enum spf_match m = match_directive(e, d);
		if (e->no_memory || m == SPF_MATCH_TEMPERROR)
			return stop(e, SPF_TEMPERROR, "DNS failed");
		if (m == SPF_MATCH_PERMERROR)
			return SPF_PERMERROR;
		if (m == SPF_MATCH) {
			*matched = (struct matched){ d->text, r->exp, e->values.domain };
			return d->qualifier;
		}
	}
	return r->redirect.n > 0 ? follow_redirect(e, r->redirect, matched) : SPF_NEUTRAL;
}

/* 4.3 to 4.7. Recursion is bounded by the lookups that include and redirect count. */
static enum spf_result check_host(struct spf_eval *e, struct str domain, struct matched *matched)
{
	struct spf_record record;
	struct str outer = e->values.domain;
	if (!dns_name_is_valid(domain) || domain_label_count(domain) < 2)
		return SPF_NONE;
	enum spf_result result = find_record(e, domain, &record);
	if (result != SPF_PASS)
		return result;
	e->values.domain = domain;
	result = evaluate(e, &record, matched);
	e->values.domain = outer;
	return result;
}

/* ---- the explanation: 6.2 ---- */

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_print((unsigned char)s.p[i]))
			return false;
	return true;
}

/* Whatever is wrong with it, "proceed as if no "exp" modifier was given". */
static struct str explain(struct spf_eval *e, const struct matched *matched)
{
	struct str text;
	if (matched->exp.n == 0)
		return STR_NONE;
	e->values.domain = matched->domain;
	struct str target = spf_target_name(e, matched->exp);
	if (target.n == 0)
		return STR_NONE;
	struct dns_answer answer = spf_query(e, target, DNS_TXT);
	if (answer.status != DNS_OK || answer.n != 1 || !spf_macro_check(answer.records[0].text, SPF_MACRO_EXPLANATION))
		return STR_NONE;
	if (!spf_expand(e, answer.records[0].text, &text) || !is_printable(text))
		return STR_NONE;
	return str_sub(text, 0, SPF_EXPLANATION_MAX);
}

/* ---- the question: 2.4, 4.1, 4.3 ---- */

/* Who is asked about: the sender, or for a null one postmaster at the HELO name. Empty: nobody that could publish anything. */
static int find_identity(const struct spf_question *q, struct arena *a, struct spf_macro_values *v)
{
	size_t at = str_rchr(q->sender, '@');
	struct str domain = q->sender.n == 0 ? q->helo : str_from(q->sender, at == STR_NPOS ? 0 : at + 1);
	v->local = at == STR_NPOS || at == 0 ? STR("postmaster") : str_sub(q->sender, 0, at);
	if (domain.n > 0 && domain.p[0] == '[')
		return ERR_INVALID;
	int err = domain_to_ascii(a, domain, &v->domain);
	if (err)
		return err;
	v->sender_domain = v->domain;
	v->sender = arena_printf(a, "%.*s@%.*s", STR_ARG(v->local), STR_ARG(v->domain));
	return v->sender.p ? 0 : ERR_NO_MEMORY;
}

int spf_check(const struct dns_source *dns, struct arena *a, const struct spf_question *q, struct spf_answer *out)
{
	struct spf_eval e = { .dns = dns, .arena = a, .values = { .helo = q->helo, .ip = q->ip, .now = clock_now() } };
	struct matched matched = { 0 };
	*out = (struct spf_answer){ .result = SPF_NONE };
	e.values.receiver = q->receiver.n > 0 ? q->receiver : STR("unknown");
	int err = find_identity(q, a, &e.values);
	if (err)
		return err == ERR_NO_MEMORY ? err : 0;
	e.local_is_ascii = utf8_is_ascii(e.values.local);
	out->domain = e.values.domain;
	out->result = check_host(&e, out->domain, &matched);
	out->mechanism = matched.mechanism;
	if (out->result == SPF_FAIL)
		out->explanation = explain(&e, &matched);
	if (out->result == SPF_TEMPERROR || out->result == SPF_PERMERROR)
		out->problem = e.problem;
	return e.no_memory ? ERR_NO_MEMORY : 0;
}
