#include "mailauth/spf_eval.h"

#include "base/buf.h"
#include "mailauth/domain.h"
#include "mailauth/limits.h"
#include "rt/dns_name.h"

struct dns_answer spf_query(struct spf_eval *e, struct str name, enum dns_type type)
{
	struct dns_answer answer = { .status = DNS_NXDOMAIN };
	if (!dns_name_is_valid(name))
		return answer;
	int err = dns_query(e->dns, e->arena, name, type, &answer);
	if (err == ERR_NO_MEMORY)
		e->no_memory = true;
	if (err)
		answer = (struct dns_answer){ .status = err == ERR_INVALID ? DNS_NXDOMAIN : DNS_TEMPORARY };
	return answer;
}

static bool is_temporary(const struct dns_answer *answer) { return answer->status == DNS_TEMPORARY || answer->status == DNS_BOGUS; }

/* ---- the client's names ---- */

static bool has_address(struct spf_eval *e, struct str name)
{
	struct dns_answer answer = spf_query(e, name, net_addr_is_v4(&e->values.ip) ? DNS_A : DNS_AAAA);
	/* 5.5: "If a DNS error occurs while doing an A RR lookup, then that domain name is skipped" */
	for (size_t i = 0; i < (answer.status == DNS_OK ? answer.n : 0); i++)
		if (memcmp(&answer.records[i].addr, &e->values.ip, sizeof(e->values.ip)) == 0)
			return true;
	return false;
}

/* 5.5: the names that PTR gives and whose addresses include the client's. */
static void find_names(struct spf_eval *e)
{
	struct buf reverse = BUF_INIT(DNS_NAME_MAX);
	if (e->names_known)
		return;
	e->names_known = true;
	e->names = arena_array(e->arena, SPF_PTR_MAX, sizeof(*e->names));
	dns_reverse_name(&e->values.ip, net_addr_is_v4(&e->values.ip) ? STR("in-addr.arpa") : STR("ip6.arpa"), &reverse);
	struct str name = arena_dup(e->arena, buf_str(&reverse));
	buf_fini(&reverse);
	if (!e->names || !name.p) {
		e->no_memory = true;
		return;
	}
	struct dns_answer answer = spf_query(e, name, DNS_PTR);
	if (answer.status == DNS_NODATA || answer.status == DNS_NXDOMAIN)
		e->term_was_void = true;
	/* 4.6.4: "all records other than the first 10 MUST be ignored"; 5.5: an error here is no match. */
	for (size_t i = 0; answer.status == DNS_OK && i < answer.n && i < SPF_PTR_MAX; i++)
		if (has_address(e, answer.records[i].name))
			e->names[e->n_names++] = answer.records[i].name;
}

/* 7.3: "If the <domain> is present in the list of validated domains, it SHOULD be used. Otherwise, if a subdomain of the <domain> is present, it
 * SHOULD be used. Otherwise, any name from the list can be used." */
static struct str validated_name(struct spf_eval *e)
{
	struct str best = STR("unknown"), domain = e->values.domain;
	bool was_void = e->term_was_void;
	int best_rank = 0;
	find_names(e);
	e->term_was_void = was_void;      /* a client without a name is not the fault of who published the record */
	for (size_t i = 0; i < e->n_names; i++) {
		int rank = str_ieq(e->names[i], domain) ? 3 : domain_is_within(e->names[i], domain) ? 2 : 1;
		if (rank > best_rank) {
			best = e->names[i];
			best_rank = rank;
		}
	}
	return best;
}

/* ---- names from macros ---- */

bool spf_expand(struct spf_eval *e, struct str text, struct str *out)
{
	struct buf b = BUF_INIT(SPF_EXPANSION_MAX);
	if (spf_macro_has(text, "p"))
		e->values.validated = validated_name(e);
	spf_macro_expand(text, &e->values, &b);
	bool fits = !b.failed;
	*out = fits ? arena_dup(e->arena, buf_str(&b)) : STR_NONE;
	buf_fini(&b);
	if (fits && !out->p)
		e->no_memory = true;
	return fits && out->p;
}

struct str spf_target_name(struct spf_eval *e, struct str domain_spec)
{
	struct str name = e->values.domain;
	if (domain_spec.n > 0 && !spf_expand(e, domain_spec, &name))
		return STR_NONE;
	/* RFC 8616 4: "If the local part contains non-ASCII characters, terms that include %{s} or %{l} do not match anything" */
	if (domain_spec.n > 0 && !e->local_is_ascii && spf_macro_has(domain_spec, "sl"))
		return STR_NONE;
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	/* 7.3: over 253 octets, labels are removed on the left. */
	while (name.n > DNS_NAME_MAX) {
		size_t dot = str_chr(name, '.');
		name = str_from(name, dot == STR_NPOS ? name.n : dot + 1);
	}
	return dns_name_is_valid(name) ? name : STR_NONE;
}

/* ---- mechanisms ---- */

/* 5: "only the specified number of high-order bits"; an IPv4 client is compared with IPv4 addresses only, and the same for IPv6. */
static bool in_network(const struct spf_eval *e, const struct net_addr *addr, const struct spf_directive *d)
{
	bool v4 = net_addr_is_v4(&e->values.ip);
	struct network n = { *addr, v4 ? d->bits4 + 96 : d->bits6 };
	return v4 == net_addr_is_v4(addr) && network_has(&n, &e->values.ip);
}

/* The addresses of one name, of the client's family. */
static enum spf_match match_addresses(struct spf_eval *e, struct str name, const struct spf_directive *d)
{
	struct dns_answer answer = spf_query(e, name, net_addr_is_v4(&e->values.ip) ? DNS_A : DNS_AAAA);
	if (is_temporary(&answer))
		return SPF_MATCH_TEMPERROR;
	if (answer.status != DNS_OK)
		e->term_was_void = true;
	for (size_t i = 0; answer.status == DNS_OK && i < answer.n; i++)
		if (in_network(e, &answer.records[i].addr, d))
			return SPF_MATCH;
	return SPF_NO_MATCH;
}

static enum spf_match match_mx(struct spf_eval *e, struct str target, const struct spf_directive *d)
{
	struct dns_answer answer = spf_query(e, target, DNS_MX);
	if (is_temporary(&answer))
		return SPF_MATCH_TEMPERROR;
	if (answer.status != DNS_OK) {
		e->term_was_void = true;      /* 5.4: no implicit MX */
		return SPF_NO_MATCH;
	}
	if (answer.n > SPF_MX_MAX) {
		e->problem = "more than 10 MX records";
		return SPF_MATCH_PERMERROR;
	}
	for (size_t i = 0; i < answer.n; i++) {
		if (answer.records[i].mx.host.n == 0)
			continue;                 /* RFC 7505 */
		enum spf_match m = match_addresses(e, answer.records[i].mx.host, d);
		if (m != SPF_NO_MATCH)
			return m;
	}
	return SPF_NO_MATCH;
}

static enum spf_match match_ptr(struct spf_eval *e, struct str target)
{
	find_names(e);
	for (size_t i = 0; i < e->n_names; i++)
		if (domain_is_within(e->names[i], target))
			return SPF_MATCH;
	return SPF_NO_MATCH;
}

/* 5.7: "a DNS A RR lookup (even when the connection type is IPv6)" */
static enum spf_match match_exists(struct spf_eval *e, struct str target)
{
	struct dns_answer answer = spf_query(e, target, DNS_A);
	if (is_temporary(&answer))
		return SPF_MATCH_TEMPERROR;
	if (answer.status != DNS_OK)
		e->term_was_void = true;
	return answer.status == DNS_OK ? SPF_MATCH : SPF_NO_MATCH;
}

enum spf_match spf_mechanism_match(struct spf_eval *e, const struct spf_directive *d)
{
	if (d->mechanism == SPF_ALL)
		return SPF_MATCH;
	/* An "ip6" network of mapped addresses matches nobody: an IPv4 client is "only listed using the "ip4" mechanism" (5). */
	if (d->mechanism == SPF_IP4 || d->mechanism == SPF_IP6)
		return net_addr_is_v4(&e->values.ip) == (d->mechanism == SPF_IP4) && in_network(e, &d->network, d) ? SPF_MATCH : SPF_NO_MATCH;
	struct str target = spf_target_name(e, d->domain_spec);
	if (target.n == 0)
		return SPF_NO_MATCH;
	switch (d->mechanism) {
	case SPF_A: return match_addresses(e, target, d);
	case SPF_MX: return match_mx(e, target, d);
	case SPF_PTR: return match_ptr(e, target);
	default: return match_exists(e, target);
	}
}
