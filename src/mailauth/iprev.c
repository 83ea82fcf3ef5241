#include "mailauth/check.h"
#include "mailauth/limits.h"
#include "rt/dns_name.h"

const char *iprev_result_text(enum iprev_result r)
{
	static const char *const texts[] = {
		[IPREV_NONE] = "none", [IPREV_PASS] = "pass", [IPREV_FAIL] = "fail", [IPREV_TEMPERROR] = "temperror", [IPREV_PERMERROR] = "permerror",
	};
	return texts[r];
}

static bool ask(const struct dns_source *dns, struct arena *a, struct str name, enum dns_type type, struct dns_answer *out)
{
	*out = (struct dns_answer){ .status = DNS_NXDOMAIN };
	if (!dns_name_is_valid(name))
		return true;
	return dns_query(dns, a, name, type, out) == 0 && out->status != DNS_TEMPORARY && out->status != DNS_BOGUS;
}

static bool holds(const struct dns_answer *answer, const struct net_addr *ip)
{
	for (size_t i = 0; answer->status == DNS_OK && i < answer->n; i++)
		if (memcmp(&answer->records[i].addr, ip, sizeof(*ip)) == 0)
			return true;
	return false;
}

/* 2.7.3 says what is a permerror: no PTR data; what a fail: names, but none that leads back. */
enum iprev_result iprev_check(const struct dns_source *dns, struct arena *a, const struct net_addr *ip, struct str *name_out)
{
	struct dns_answer names, addresses;
	struct buf b = BUF_INIT(DNS_NAME_MAX);
	bool failed = false;
	*name_out = STR_NONE;
	dns_reverse_name(ip, STR_NONE, &b);
	struct str reverse = arena_dup(a, buf_str(&b));
	buf_fini(&b);
	if (!reverse.p || !ask(dns, a, reverse, DNS_PTR, &names))
		return IPREV_TEMPERROR;
	if (names.status != DNS_OK)
		return IPREV_PERMERROR;
	for (size_t i = 0; i < names.n && i < IPREV_NAMES_MAX; i++) {
		if (!ask(dns, a, names.records[i].name, net_addr_is_v4(ip) ? DNS_A : DNS_AAAA, &addresses)) {
			failed = true;
		} else if (holds(&addresses, ip)) {
			*name_out = names.records[i].name;
			return IPREV_PASS;
		}
	}
	return failed ? IPREV_TEMPERROR : IPREV_FAIL;
}
