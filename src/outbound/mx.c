#include "outbound/mx.h"

#include "base/err.h"
#include "rt/crypto.h"

static bool is_self(const struct mx_self *self, struct str name)
{
	for (size_t i = 0; i < self->n_names; i++)
		if (str_ieq(self->names[i], name))
			return true;
	return false;
}

static uint32_t random_below(uint32_t n)
{
	uint32_t r;

	crypto_random(&r, sizeof r);
	return r % n;
}

/* ---- the hosts ---- */

/* RFC 5321 5.1: lowest number first, equal ones in random order. Insertion among few; each goes to a random place between its equals. */
static void insert(struct mx_list *l, struct str name, uint16_t preference)
{
	size_t from = 0, to;

	while (from < l->n && l->host[from].preference < preference)
		from++;
	for (to = from; to < l->n && l->host[to].preference == preference; to++)
		if (str_ieq(l->host[to].name, name))
			return;
	size_t at = from + random_below((uint32_t)(to - from) + 1);
	if (at == MX_HOSTS_MAX)
		return;
	if (l->n == MX_HOSTS_MAX)
		l->n--;
	memmove(&l->host[at + 1], &l->host[at], (l->n - at) * sizeof l->host[0]);
	l->host[at] = (struct mx_host){ name, preference };
	l->n++;
}

void mx_cut(struct mx_list *l, size_t at)
{
	uint16_t preference = l->host[at].preference;

	while (l->n && l->host[l->n - 1].preference >= preference)
		l->n--;
}

static int loops(struct str domain, struct trouble *t)
{
	trouble_set(t, "5.4.6", "mail for %.*s loops back to myself: this host is to take it, but does not know it", STR_ARG(domain));
	return ERR_CONFLICT;
}

static int take_records(const struct dns_answer *answer, struct str domain, const struct mx_self *self, struct mx_list *out, struct trouble *t)
{
	bool null = false;

	for (size_t i = 0; i < answer->n; i++) {
		/* RFC 7505 3: a null MX stands alone; among others "." is no host. */
		null |= answer->records[i].mx.host.n == 0;
		if (answer->records[i].mx.host.n)
			insert(out, answer->records[i].mx.host, answer->records[i].mx.preference);
	}
	if (!out->n) {
		if (null)
			trouble_set(t, "5.1.10", "the domain %.*s takes no mail (null MX)", STR_ARG(domain));       /* RFC 7505 4.2 */
		return ERR_NOT_FOUND;
	}
	for (size_t i = 0; i < out->n; i++)
		if (is_self(self, out->host[i].name)) {
			mx_cut(out, i);
			break;
		}
	return out->n ? 0 : loops(domain, t);
}

static int lookup_failed(const char *what, struct str name, const struct dns_answer *answer, struct trouble *t)
{
	trouble_set(t, "4.4.3", "%s lookup of %.*s failed%s%s%s", what, STR_ARG(name), answer->status == DNS_BOGUS ? " DNSSEC validation" : "",
				answer->why ? ": " : "", answer->why ? answer->why : "");
	return ERR_RETRY;
}

int mx_find(const struct dns_source *dns, struct arena *a, struct str domain, const struct mx_self *self, struct mx_list *out, struct trouble *t)
{
	struct dns_answer answer;

	out->n = 0;
	int r = dns_query(dns, a, domain, DNS_MX, &answer);
	if (r) {
		trouble_set(t, r == ERR_INVALID ? "5.1.2" : "4.3.0", "%.*s: %s", STR_ARG(domain), r == ERR_INVALID ? "not a domain name" : err_text(r));
		return r;
	}
	out->secure = answer.secure;
	out->canonical = answer.canonical.n ? answer.canonical : domain;
	out->implicit = answer.status == DNS_NODATA;
	switch (answer.status) {
	case DNS_OK:
		return take_records(&answer, domain, self, out, t);
	case DNS_NODATA:
		/* RFC 5321 5.1: no MX record at all: the domain is its own, with preference 0. */
		insert(out, out->canonical, 0);
		return is_self(self, out->host[0].name) ? loops(domain, t) : 0;
	case DNS_NXDOMAIN:
		trouble_set(t, "5.1.2", "the domain %.*s does not exist", STR_ARG(domain));
		return ERR_NOT_FOUND;
	default:
		return lookup_failed("MX", domain, &answer, t);
	}
}

/* ---- their addresses ---- */

struct family {
	struct net_addr addr[MX_ADDRESSES_MAX];
	size_t n;
	struct dns_answer answer;
};

static int ask_family(const struct dns_source *dns, struct arena *a, struct str host, enum dns_type type, struct family *f)
{
	int r = dns_query(dns, a, host, type, &f->answer);

	f->n = 0;
	for (size_t i = 0; r == 0 && f->answer.status == DNS_OK && i < f->answer.n && f->n < MX_ADDRESSES_MAX; i++) {
		size_t at = random_below((uint32_t)++f->n);
		f->addr[f->n - 1] = f->addr[at];
		f->addr[at] = f->answer.records[i].addr;
	}
	return r;
}

static void interleave(const struct family *first, const struct family *second, struct mx_addresses *out)
{
	for (size_t i = 0; i < MX_ADDRESSES_MAX && out->n < MX_ADDRESSES_MAX; i++) {
		if (i < first->n)
			out->addr[out->n++] = first->addr[i];
		if (i < second->n && out->n < MX_ADDRESSES_MAX)
			out->addr[out->n++] = second->addr[i];
	}
}

static bool is_unspecified(const struct net_addr *a)
{
	static const struct net_addr none;

	return !memcmp(a, &none, sizeof none) || (net_addr_is_v4(a) && !memcmp(a->b + 12, none.b, 4));
}

/* Who connects to the unspecified address reaches a loopback one; who listens at it listens at all of those. */
static bool is_own_address(const struct net_addr *own, const struct net_addr *a)
{
	if (is_unspecified(a))
		return is_unspecified(own) || net_addr_is_loopback(own);
	return !memcmp(own, a, sizeof *a) || (is_unspecified(own) && net_addr_is_loopback(a));
}

static bool is_own_endpoint(const struct mx_self *self, const struct mx_addresses *l, uint16_t port)
{
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; k < self->n_endpoints; k++)
			if (self->endpoints[k].port == port && is_own_address(&self->endpoints[k].addr, &l->addr[i]))
				return true;
	return false;
}

static bool is_failed(const struct family *f) { return f->answer.status == DNS_TEMPORARY || f->answer.status == DNS_BOGUS; }

int mx_resolve(const struct dns_source *dns, struct arena *a, struct str host, uint16_t port, enum outbound_ip order, const struct mx_self *self,
			   struct mx_addresses *out, struct trouble *t)
{
	struct family v4 = { .answer.status = DNS_NODATA }, v6 = { .answer.status = DNS_NODATA };
	int r = 0;

	*out = (struct mx_addresses){ .canonical = host };
	if (order != OUTBOUND_IPV4_ONLY)
		r = ask_family(dns, a, host, DNS_AAAA, &v6);
	if (r == 0 && order != OUTBOUND_IPV6_ONLY)
		r = ask_family(dns, a, host, DNS_A, &v4);
	if (r) {
		trouble_set(t, r == ERR_INVALID ? "5.4.4" : "4.3.0", "%.*s: %s", STR_ARG(host), r == ERR_INVALID ? "not a host name" : err_text(r));
		return r;
	}
	bool v6_first = order == OUTBOUND_IPV6_FIRST || order == OUTBOUND_IPV6_ONLY;
	interleave(v6_first ? &v6 : &v4, v6_first ? &v4 : &v6, out);
	if (!out->n && (is_failed(&v4) || is_failed(&v6)))
		return lookup_failed("address", host, is_failed(&v4) ? &v4.answer : &v6.answer, t);
	if (!out->n) {
		trouble_set(t, "5.4.4", "no address of %.*s is known", STR_ARG(host));
		return ERR_NOT_FOUND;
	}
	out->secure = (!v4.n || v4.answer.secure) && (!v6.n || v6.answer.secure);
	out->canonical = v4.n ? v4.answer.canonical : v6.answer.canonical;
	if (is_own_endpoint(self, out, port)) {
		trouble_set(t, "5.4.6", "mail loops back to myself: %.*s is this host", STR_ARG(host));
		return ERR_CONFLICT;
	}
	return 0;
}

bool mx_literal(struct str domain, struct net_addr *out)
{
	if (domain.n < 3 || domain.p[0] != '[' || domain.p[domain.n - 1] != ']')
		return false;
	struct str inside = str_sub(domain, 1, domain.n - 2);
	if (str_istarts(inside, STR("IPv6:")))
		return net_addr_parse(str_from(inside, 5), 6, out);
	return net_addr_parse(inside, 4, out);
}
