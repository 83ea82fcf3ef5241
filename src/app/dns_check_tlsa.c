#include "app/dns_check_inside.h"
#include "base/base64.h"
#include "rt/tls_certificate.h"

#define SHOWN 8                          /* octets of a record's data */

/* RFC 7672 3.1: usage 3 names the certificate itself, 2 an authority that comes with it; others are not used for mail. */
static bool is_met(const struct dns_facts *f, const struct dns_record *r)
{
	size_t from = r->tlsa.usage == 2 ? 1 : 0, to = r->tlsa.usage == 3 ? 1 : r->tlsa.usage == 2 ? f->n_chain : 0;
	bool met = false;

	for (size_t i = from; !met && i < to; i++) {
		struct buf data = BUF_INIT(0);
		met = tls_tlsa_data(f->chain[i], r->tlsa.selector, r->tlsa.matching, &data) == 0 && str_eq(buf_str(&data), r->tlsa.data);
		buf_fini(&data);
	}
	return met;
}

static void show(const struct dns_record *r, bool met, struct dns_finding *out)
{
	struct buf hex = BUF_INIT(0);

	hex_encode(&hex, str_sub(r->tlsa.data, 0, SHOWN));
	dns_finding_there(out, "%u %u %u %.*s...%s", r->tlsa.usage, r->tlsa.selector, r->tlsa.matching, STR_ARG(buf_str(&hex)),
					  met ? "" : " (not the certificate in use)");
	buf_fini(&hex);
}

static void note_security(struct dns_checking *c, const struct dns_answer *answer, struct dns_finding *out)
{
	bool unsigned_zone = c->facts->validates && answer->status <= DNS_NXDOMAIN && !answer->secure;

	if (unsigned_zone)
		dns_finding_note(out, "the zone of %.*s is not signed (DNSSEC): nobody looks", STR_ARG(c->facts->host));
	/* no cure, where it would do nothing, or harm */
	if (unsigned_zone || c->facts->key_is_renewed)
		out->publish = false;
}

int dns_check_tlsa(struct dns_checking *c, const struct dns_plan_record *r, struct dns_finding *out)
{
	struct dns_answer answer;
	bool any = false;
	int code = dns_check_ask(c, r->owner, DNS_TLSA, &answer, out);

	if (code)
		return code;
	for (size_t i = 0; answer.status == DNS_OK && i < answer.n; i++) {
		bool met = is_met(c->facts, &answer.records[i]);
		show(&answer.records[i], met, out);
		any = any || met;
	}
	note_security(c, &answer, out);
	if (answer.status == DNS_OK && !any) {
		dns_finding_wrong(out, answer.secure ? "none is of the certificate in use: whoever keeps to DANE delivers nothing here" : "none is of the certificate in use");
		out->publish = true;
	} else if (answer.status == DNS_OK && c->facts->key_is_renewed) {
		dns_finding_note(out, "%.*s", STR_ARG(r->hint));
	}
	return 0;
}
