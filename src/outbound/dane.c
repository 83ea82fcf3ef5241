#include "outbound/dane.h"

#include "base/base64.h"
#include "base/err.h"

#define TLSA_DATA_SHOWN 128           /* octets of one record that a report shows */

/* RFC 7672 3.1: usages 2 (DANE-TA) and 3 (DANE-EE); RFC 6698 2.1.2, 2.1.3 for the others, with digests of the right length. */
static bool is_usable(const struct dns_record *r)
{
	static const size_t digest[] = { [1] = 32, [2] = 64 };

	if (r->tlsa.usage < 2 || r->tlsa.usage > 3 || r->tlsa.selector > 1 || r->tlsa.matching > 2)
		return false;
	return r->tlsa.matching ? r->tlsa.data.n == digest[r->tlsa.matching] : r->tlsa.data.n > 0;
}

static struct str record_text(struct arena *a, const struct dns_record *r)
{
	struct buf hex = BUF_INIT(0);

	hex_encode(&hex, str_sub(r->tlsa.data, 0, TLSA_DATA_SHOWN));
	struct str text = arena_printf(a, "%u %u %u %.*s", r->tlsa.usage, r->tlsa.selector, r->tlsa.matching, STR_ARG(buf_str(&hex)));
	buf_fini(&hex);
	return text;
}

static int take_records(struct arena *a, struct str base, const struct dns_answer *answer, struct dane *out)
{
	struct dns_record *usable = arena_array(a, answer->n, sizeof *usable);
	struct str *strings = arena_array(a, answer->n, sizeof *strings);

	if (!usable || !strings)
		return ERR_NO_MEMORY;
	out->base = base;
	out->records = usable;
	out->strings = strings;
	for (size_t i = 0; i < answer->n; i++) {
		if (is_usable(&answer->records[i]))
			usable[out->n++] = answer->records[i];
		strings[out->n_strings++] = record_text(a, &answer->records[i]);
	}
	out->kind = out->n ? DANE_USABLE : DANE_UNUSABLE;
	return a->failed ? ERR_NO_MEMORY : 0;
}

static int try_base(const struct dns_source *dns, struct arena *a, struct str base, uint16_t port, struct dane *out)
{
	struct dns_answer answer;
	struct str name = arena_printf(a, "_%u._tcp.%.*s", port, STR_ARG(base));

	int r = name.p ? dns_query(dns, a, name, DNS_TLSA, &answer) : ERR_NO_MEMORY;
	if (r == ERR_INVALID)
		return 0;                         /* too long a name: nothing can be published there */
	if (r)
		return r;
	/* RFC 7672 2.1.2: whatever keeps us from knowing makes the server unreachable. */
	if (answer.status == DNS_TEMPORARY || answer.status == DNS_BOGUS) {
		out->kind = DANE_FAILED;
		out->why = answer.why;
	} else if (answer.status == DNS_OK && answer.secure) {
		return take_records(a, base, &answer, out);
	}
	return 0;
}

/* RFC 7672 2.2.2, "Insecure CNAME": the addresses are not validated, but the alias itself may be. */
static int alias_is_secure(const struct dns_source *dns, struct arena *a, struct str host, bool *secure_out, struct dane *out)
{
	struct dns_answer answer;
	int r = dns_query(dns, a, host, DNS_CNAME, &answer);

	*secure_out = false;
	if (r)
		return r;
	if (answer.status == DNS_TEMPORARY || answer.status == DNS_BOGUS) {
		out->kind = DANE_FAILED;
		out->why = answer.why;
	} else {
		*secure_out = answer.status == DNS_OK && answer.secure;
	}
	return 0;
}

int dane_find(const struct dns_source *dns, struct arena *a, struct str host, const struct mx_addresses *at, uint16_t port, struct dane *out)
{
	bool alias = at->canonical.n && !str_ieq(at->canonical, host), secure = at->secure;
	int r = 0;

	*out = (struct dane){ .kind = DANE_NONE };
	if (secure && alias)
		r = try_base(dns, a, at->canonical, port, out);
	else if (alias)
		r = alias_is_secure(dns, a, host, &secure, out);
	/* Insecure addresses: there are no TLSA records, and name servers that choke on the question (RFC 7672 2.2.2). */
	if (r == 0 && secure && out->kind == DANE_NONE)
		r = try_base(dns, a, host, port, out);
	return r;
}
