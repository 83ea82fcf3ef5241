#include "app/dns_check_inside.h"
#include "base/ascii.h"
#include "codec/smtp/sts.h"
#include "mailauth/dkim_record.h"
#include "mailauth/dmarc_record.h"
#include "mailauth/spf_record.h"

/* The TXT records of one kind under a name. */
struct texts {
	struct str first;
	unsigned n;
};

/* Asks, and shows those of the kind. 0 with n == 0: *out says missing or unknown. Several are wrong, whatever they say. */
static int find_texts(struct dns_checking *c, struct str name, bool (*is_kind)(struct str text), const char *kind, struct texts *t, struct dns_finding *out)
{
	struct dns_answer answer;
	int r = dns_check_ask(c, name, DNS_TXT, &answer, out);

	*t = (struct texts){ .n = 0 };
	for (size_t i = 0; r == 0 && answer.status == DNS_OK && i < answer.n; i++) {
		if (!is_kind(answer.records[i].text))
			continue;
		t->first = t->n++ ? t->first : answer.records[i].text;
		dns_finding_there(out, "%.*s", STR_ARG(answer.records[i].text));
	}
	if (r == 0 && answer.status == DNS_OK && t->n == 0) {
		out->state = DNS_MISSING;
		out->publish = true;
	}
	if (t->n > 1) {
		dns_finding_wrong(out, "%u %s records, where there must be one", t->n, kind);
		out->publish = true;
	}
	return r;
}

/* ---- SPF ---- */

static int ask_spf(struct dns_checking *c, const struct dns_plan_record *r, const struct net_addr *ip, struct spf_answer *out)
{
	struct str sender = r->subject == DNS_PLAN_SPF ? arena_printf(c->arena, "postmaster@%.*s", STR_ARG(r->owner)) : STR_NONE;
	struct spf_question q = { .ip = *ip, .helo = c->facts->host, .sender = sender, .receiver = c->facts->host };

	return spf_check(c->dns, c->arena, &q, out);
}

static int check_sender(struct dns_checking *c, const struct dns_plan_record *r, const struct net_addr *ip, struct dns_finding *out)
{
	struct spf_answer answer;
	char text[NET_TEXT_MAX];
	int code = ask_spf(c, r, ip, &answer);

	net_addr_format(ip, text);
	if (code || answer.result == SPF_PASS)
		return code;
	if (answer.result == SPF_TEMPERROR) {
		dns_finding_worsen(out, DNS_UNKNOWN);
		dns_finding_note(out, "%s: no answer", text);
		return 0;
	}
	dns_finding_wrong(out, "mail from %s would get \"%s\"%s%.*s%s%s", text, spf_result_text(answer.result), answer.mechanism.n ? " by " : "",
					  STR_ARG(answer.mechanism), answer.problem ? ": " : "", answer.problem ? answer.problem : "");
	out->publish = true;
	return 0;
}

/* An address that nobody has (RFC 1112 4) and that passes: so does everybody. */
static int check_stranger(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	static const uint8_t nobody[4] = { 240, 0, 0, 1 };
	struct net_addr ip = net_addr_from_v4(nobody);
	struct spf_answer answer;
	int code = ask_spf(c, r, &ip, &answer);

	if (code == 0 && answer.result == SPF_PASS) {
		dns_finding_wrong(out, "by %.*s the whole world may send as this name", STR_ARG(answer.mechanism));
		out->publish = true;
	}
	return code;
}

int dns_check_spf(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	struct texts t;
	int code = find_texts(c, r->owner, spf_record_is_ours, "SPF", &t, out);

	if (code || t.n != 1)
		return code;
	if (!c->host.n) {
		out->state = DNS_UNKNOWN;
		dns_finding_note(out, "%.*s has no address yet that it could let in", STR_ARG(c->facts->host));
	}
	for (size_t i = 0; code == 0 && i < c->host.n; i++)
		code = check_sender(c, r, &c->host.addr[i], out);
	return code ? code : check_stranger(c, r, out);
}

/* ---- DKIM ---- */

static bool is_any(struct str text)
{
	(void)text;
	return true;
}

int dns_check_dkim(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	struct texts t;
	struct dkim_record record;
	struct buf ours = BUF_INIT(0), theirs = BUF_INIT(0);

	if (!r->key) {
		out->state = DNS_MISSING;
		dns_finding_note(out, "%.*s", STR_ARG(r->hint));
		return 0;
	}
	int code = find_texts(c, r->owner, is_any, "key", &t, out);
	if (code || t.n != 1)
		return code;
	dkim_record_parse(r->value, r->key->algorithm, &record, &ours);
	const char *problem = dkim_record_parse(t.first, r->key->algorithm, &record, &theirs);
	if (problem)
		dns_finding_wrong(out, "%s", problem);
	else if (!str_eq(buf_str(&ours), buf_str(&theirs)))
		dns_finding_wrong(out, "this is another key");
	else if (record.testing)
		dns_finding_note(out, "t=y: others are told that signatures are only a test");
	out->publish = out->state == DNS_WRONG;
	buf_fini(&ours);
	buf_fini(&theirs);
	return 0;
}

/* ---- who gets reports ---- */

/* The address of a mailto: URI, without a size limit or a query. */
static bool mailto(struct str uri, struct str *out)
{
	struct str rest;

	if (!str_istarts(uri, STR("mailto:")))
		return false;
	str_cut(str_from(uri, sizeof "mailto:" - 1), '!', out, &rest);
	str_cut(*out, '?', out, &rest);
	return str_rchr(*out, '@') != STR_NPOS;
}

/* Nobody of ours has it: reports would come back. */
static void check_local(struct dns_checking *c, struct str address, struct dns_finding *out)
{
	struct directory_target *targets;
	size_t n;

	if (c->facts->directory && directory_resolve(c->facts->directory, c->arena, address, &targets, &n) == ERR_NOT_FOUND)
		dns_finding_wrong(out, "nobody here is %.*s: troika alias add %.*s YOU", STR_ARG(address), STR_ARG(address));
}

/* ---- DMARC ---- */

static int check_reports(struct dns_checking *c, const struct dmarc_record *record, struct str domain, struct dns_finding *out)
{
	int may = 1;

	for (size_t i = 0; may >= 0 && i < record->n_rua; i++) {
		struct str address;
		if (!mailto(record->rua[i], &address))
			continue;
		check_local(c, address, out);
		struct str at = str_from(address, str_rchr(address, '@') + 1);
		may = dmarc_may_report(c->dns, c->arena, domain, at);
		if (may == 0)
			dns_finding_wrong(out, "%.*s does not say that it takes reports for others (RFC 7489 7.1)", STR_ARG(at));
		else if (may == ERR_RETRY)
			may = 1;
	}
	if (record->n_rua == 0)
		dns_finding_note(out, "without rua= you do not learn who sends in your name");
	if (record->p == DMARC_POLICY_NONE)
		dns_finding_note(out, "p=none: mail that fails is accepted; once the reports are clean: quarantine, or reject");
	return may < 0 ? may : 0;
}

/* A parent's record covers the domain too. */
static int check_parent(struct dns_checking *c, struct dns_finding *out)
{
	struct dmarc_record record;
	int r = dmarc_discover(c->dns, c->arena, c->facts->domain, &record);

	if (r == ERR_NO_MEMORY)
		return r;
	if (r == 0) {
		out->state = DNS_RIGHT;
		out->publish = false;
		dns_finding_there(out, "%.*s", STR_ARG(record.text));
		dns_finding_note(out, "the record of %.*s, for all below it", STR_ARG(record.domain));
	} else if (r == ERR_RETRY) {
		out->state = DNS_UNKNOWN;
		out->publish = false;
		dns_finding_note(out, "no answer for the domains above");
	}
	return 0;
}

int dns_check_dmarc(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	struct texts t;
	struct dmarc_record record;
	int code = find_texts(c, r->owner, dmarc_record_is_ours, "DMARC", &t, out);

	if (code == 0 && out->state == DNS_MISSING)
		return check_parent(c, out);
	if (code || t.n != 1)
		return code;
	code = dmarc_record_parse(t.first, c->arena, &record);
	if (code == ERR_INVALID) {
		dns_finding_wrong(out, "no policy can be read from it (p=none, p=quarantine or p=reject)");
		out->publish = true;
		return 0;
	}
	return code ? code : check_reports(c, &record, c->facts->domain, out);
}

/* ---- MTA-STS, TLS-RPT ---- */

static bool is_sts(struct str text)
{
	struct str id;
	bool is;
	sts_record_parse(text, &id, &is);
	return is;
}

int dns_check_sts(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	struct texts t;
	struct str id;
	bool is;
	int code = find_texts(c, r->owner, is_sts, "MTA-STS", &t, out);

	if (code || t.n != 1)
		return code;
	if (!sts_record_parse(t.first, &id, &is))
		dns_finding_wrong(out, "no id can be read from it");
	else if (!str_eq(id, c->facts->sts_id))
		dns_finding_wrong(out, "the id is of another policy: others keep to what they have read");
	out->publish = out->state == DNS_WRONG;
	return 0;
}

/* RFC 8460 3: "v=TLSRPTv1" and what ends the tag. */
static bool is_tlsrpt(struct str text)
{
	struct str tag, rest;
	str_cut(text, ';', &tag, &rest);
	return str_eq(str_trim(tag), STR("v=TLSRPTv1"));
}

int dns_check_tlsrpt(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	struct texts t;
	struct str tag, name, uri, uris = STR_NONE, address;
	int code = find_texts(c, r->owner, is_tlsrpt, "TLS-RPT", &t, out);

	if (code || t.n != 1)
		return code;
	while (t.first.n) {
		str_cut(t.first, ';', &tag, &t.first);
		if (str_cut(tag, '=', &name, &uri) && str_eq(str_trim(name), STR("rua")))
			uris = uri;
	}
	bool any = false;
	while (uris.n) {
		str_cut(uris, ',', &uri, &uris);
		uri = str_trim(uri);
		bool is_mail = mailto(uri, &address);
		if (is_mail)
			check_local(c, address, out);
		any = any || is_mail || str_istarts(uri, STR("https://"));
	}
	if (!any)
		dns_finding_wrong(out, "rua= names nowhere that reports could be sent to");
	out->publish = out->state == DNS_WRONG;
	return 0;
}
