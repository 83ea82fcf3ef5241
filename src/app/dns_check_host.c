#include "app/dns_check_inside.h"
#include "codec/smtp/sts.h"
#include "mailauth/check.h"

/* ---- MX ---- */

static bool is_host(const struct dns_checking *c, struct str name)
{
	return str_ieq(name, c->facts->host);
}

static struct str or_dot(struct str name)
{
	return name.n ? name : STR(".");
}

/* RFC 8461 4.1: who keeps to the policy does not deliver to other hosts. */
static int check_policy(struct dns_checking *c, struct str host, struct dns_finding *out)
{
	struct sts_policy policy;
	const char *wrong = c->facts->sts_policy.n ? sts_policy_parse(c->facts->sts_policy, c->arena, &policy) : NULL;

	if (c->arena->failed)
		return ERR_NO_MEMORY;
	if (c->facts->sts_policy.n && !wrong && !sts_policy_matches(&policy, host))
		dns_finding_wrong(out, "%.*s is not in the MTA-STS policy: name it in mta_sts.mx", STR_ARG(host));
	return 0;
}

/* One exchanger. *ours_out: it is this host, perhaps by another name. */
static int check_exchanger(struct dns_checking *c, const struct dns_record *record, bool *ours_out, struct dns_finding *out)
{
	struct str host = record->mx.host;
	struct dns_addresses at;

	dns_finding_there(out, "%u %.*s", record->mx.preference, STR_ARG(or_dot(host)));
	if (!host.n) {
		dns_finding_wrong(out, "\".\" says that the domain takes no mail (RFC 7505)");
		return 0;
	}
	*ours_out = is_host(c, host);
	if (*ours_out)
		return check_policy(c, host, out);
	int r = dns_check_addresses(c, host, &at);
	if (r)
		return r;
	*ours_out = dns_addresses_meet(&at, &c->host);
	/* RFC 5321 5.1, RFC 2181 10.3 */
	if (at.is_alias)
		dns_finding_wrong(out, "%.*s is an alias (CNAME), which an MX must not lead to", STR_ARG(host));
	else if (at.state == DNS_MISSING)
		dns_finding_wrong(out, "%.*s has no address", STR_ARG(host));
	else if (at.state == DNS_UNKNOWN)
		dns_finding_note(out, "%.*s: no answer: %s", STR_ARG(host), at.why);
	else if (*ours_out)
		dns_finding_note(out, "%.*s is this host by another name", STR_ARG(host));
	else
		dns_finding_note(out, "%.*s takes mail for the domain too", STR_ARG(host));
	return check_policy(c, host, out);
}

/* RFC 5321 5.1: without MX the domain's own address stands for it. */
static int check_implicit(struct dns_checking *c, struct dns_finding *out)
{
	struct dns_addresses at;
	int r = dns_check_addresses(c, c->facts->domain, &at);

	if (r == 0 && dns_addresses_meet(&at, &c->host))
		dns_finding_note(out, "mail finds its way all the same, by the address of the domain itself");
	return r;
}

int dns_check_mx(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	struct dns_answer answer;
	bool found = false, named = false;
	int code = dns_check_ask(c, r->owner, DNS_MX, &answer, out);

	for (size_t i = 0; code == 0 && answer.status == DNS_OK && i < answer.n; i++) {
		bool ours = false;
		code = check_exchanger(c, &answer.records[i], &ours, out);
		found = found || ours;
		named = named || is_host(c, answer.records[i].mx.host);
	}
	if (code == 0 && out->state == DNS_MISSING)
		return check_implicit(c, out);
	if (code == 0 && answer.status == DNS_OK && !found)
		dns_finding_wrong(out, "mail does not come to %.*s", STR_ARG(c->facts->host));
	out->publish = out->state == DNS_WRONG && !named;
	return code;
}

/* ---- addresses, and the way back ---- */

int dns_check_address(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	char text[NET_TEXT_MAX];

	out->state = c->host.state;
	for (size_t i = 0; i < c->host.n; i++) {
		net_addr_format(&c->host.addr[i], text);
		dns_finding_there(out, "%s %s", net_addr_is_v4(&c->host.addr[i]) ? "A" : "AAAA", text);
		if (net_addr_is_loopback(&c->host.addr[i]))
			dns_finding_wrong(out, "%s is a loopback address: others would ask themselves", text);
	}
	if (c->host.is_alias)
		dns_finding_wrong(out, "the name is an alias (CNAME), which an MX must not lead to: give it A and AAAA records");
	if (c->host.why)
		dns_finding_note(out, "not all was answered: %s", c->host.why);
	if (c->host.state == DNS_MISSING)
		dns_finding_note(out, "publish A and AAAA records with the addresses of this machine for %.*s", STR_ARG(r->owner));
	return 0;
}

/* A name that leads back, but another one than in the greeting: some compare. */
static int note_names(struct dns_checking *c, struct str reverse, const struct net_addr *addr, enum iprev_result result, struct dns_finding *out)
{
	struct dns_answer answer;
	char text[NET_TEXT_MAX];
	bool named = false;
	int r = dns_query(c->dns, c->arena, reverse, DNS_PTR, &answer);

	net_addr_format(addr, text);
	for (size_t i = 0; r == 0 && answer.status == DNS_OK && i < answer.n; i++) {
		dns_finding_there(out, "%s PTR %.*s", text, STR_ARG(answer.records[i].name));
		named = named || is_host(c, answer.records[i].name);
	}
	if (r == 0 && result == IPREV_PASS && !named)
		dns_finding_note(out, "%s: %.*s, the name in the greeting, would be better: some compare", text, STR_ARG(c->facts->host));
	return r == ERR_INVALID ? 0 : r;
}

static int check_way_back(struct dns_checking *c, const struct net_addr *addr, struct dns_finding *out)
{
	struct buf reverse = BUF_INIT(DNS_NAME_MAX);
	char text[NET_TEXT_MAX];
	struct str name;
	enum iprev_result result = iprev_check(c->dns, c->arena, addr, &name);

	net_addr_format(addr, text);
	dns_reverse_name(addr, STR_NONE, &reverse);
	int r = note_names(c, buf_str(&reverse), addr, result, out);
	buf_fini(&reverse);
	if (result == IPREV_TEMPERROR) {
		dns_finding_worsen(out, DNS_UNKNOWN);
		dns_finding_note(out, "%s: no answer", text);
	} else if (result == IPREV_PERMERROR) {
		dns_finding_worsen(out, DNS_MISSING);
		dns_finding_note(out, "%s leads to no name: whoever gave it to you sets its PTR to %.*s", text, STR_ARG(c->facts->host));
	} else if (result != IPREV_PASS) {
		dns_finding_wrong(out, "%s: its name does not lead back to it: whoever gave it to you sets its PTR to %.*s", text, STR_ARG(c->facts->host));
	}
	return r;
}

/* RFC 8601 3: forward-confirmed reverse DNS, for each address. */
int dns_check_ptr(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	int code = 0;

	if (!c->host.n) {
		out->state = DNS_UNKNOWN;
		dns_finding_note(out, "%.*s has no address yet", STR_ARG(r->owner));
	}
	for (size_t i = 0; code == 0 && i < c->host.n; i++)
		code = check_way_back(c, &c->host.addr[i], out);
	return code;
}

/* ---- names of services ---- */

/* RFC 2782, RFC 6186 3.4 */
int dns_check_srv(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	struct dns_answer answer;
	bool right = false, leads_here = false, refused = false;
	int code = dns_check_ask(c, r->owner, DNS_SRV, &answer, out);

	if (code || answer.status != DNS_OK) {
		if (r->port == 0 && out->state == DNS_MISSING) {
			out->state = DNS_RIGHT;
			out->publish = false;
			dns_finding_note(out, "neither offered nor published");
		}
		return code;
	}
	for (size_t i = 0; i < answer.n; i++) {
		const struct dns_record *s = &answer.records[i];
		dns_finding_there(out, "%u %u %u %.*s", s->srv.priority, s->srv.weight, s->srv.port, STR_ARG(or_dot(s->srv.host)));
		refused = refused || s->srv.host.n == 0;
		leads_here = leads_here || is_host(c, s->srv.host);
		right = right || (r->port && is_host(c, s->srv.host) && s->srv.port == r->port);
	}
	if (r->port == 0 && leads_here)
		dns_finding_wrong(out, "it is not offered there");
	else if (r->port && refused)
		dns_finding_wrong(out, "\".\" says that it is not offered, but it is");
	else if (r->port && !right)
		dns_finding_wrong(out, "does not lead to port %u of %.*s", r->port, STR_ARG(c->facts->host));
	else if (r->port == 0 && !refused)
		dns_finding_note(out, "leads elsewhere; here it is not offered");
	out->publish = out->state == DNS_WRONG;
	return 0;
}

/* mta-sts.DOMAIN and autoconfig.DOMAIN: by an alias or by the addresses themselves. */
int dns_check_alias(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	struct dns_addresses at;
	char text[NET_TEXT_MAX];
	int code = dns_check_addresses(c, r->owner, &at);

	out->state = at.state;
	out->publish = at.state == DNS_MISSING;
	if (at.state == DNS_UNKNOWN)
		dns_finding_note(out, "no answer: %s", at.why);
	for (size_t i = 0; i < at.n; i++) {
		net_addr_format(&at.addr[i], text);
		dns_finding_there(out, "%s", text);
	}
	if (at.n && c->host.n && !dns_addresses_meet(&at, &c->host)) {
		dns_finding_wrong(out, "does not lead to this host, which has the page");
		out->publish = true;
	}
	return code;
}
