#include "app/dns_plan.h"

#include "base/base64.h"
#include "mailauth/domain.h"
#include "rt/tls_certificate.h"

#define FIXED_RECORDS 19                 /* all but keys */
#define HOST_TARGET(f) STR_ARG((f)->host)

static struct dns_plan_record *add(struct dns_plan *p, enum dns_subject subject, enum dns_need need, enum dns_type type, struct str owner, struct str value,
								   const char *purpose)
{
	struct dns_plan_record *r = &p->records[p->n++];

	*r = (struct dns_plan_record){ .subject = subject, .need = need, .type = type, .owner = owner, .value = value, .purpose = purpose };
	return r;
}

static struct str below(struct arena *a, const char *label, struct str name)
{
	return arena_printf(a, "%s.%.*s", label, STR_ARG(name));
}

/* A name that leads to the host; the host itself may bear it. */
static void add_alias(struct dns_plan *p, struct arena *a, enum dns_subject subject, enum dns_need need, const char *label, const char *purpose)
{
	struct str owner = below(a, label, p->facts->domain);

	if (!str_eq(owner, p->facts->host))
		add(p, subject, need, DNS_CNAME, owner, arena_printf(a, "%.*s.", HOST_TARGET(p->facts)), purpose);
}

static void add_host(struct dns_plan *p, struct arena *a)
{
	const struct dns_facts *f = p->facts;

	add(p, DNS_PLAN_MX, DNS_REQUIRED, DNS_MX, f->domain, arena_printf(a, "10 %.*s.", HOST_TARGET(f)), "where mail for the domain goes");
	add(p, DNS_PLAN_ADDRESS, DNS_REQUIRED, DNS_A, f->host, STR_NONE, "the addresses of this machine (A, AAAA); you know them");
	add(p, DNS_PLAN_PTR, DNS_REQUIRED, DNS_PTR, f->host, STR_NONE, "the way back from each address (PTR), set by whoever gave it to you");
}

static void add_spf(struct dns_plan *p)
{
	const struct dns_facts *f = p->facts;

	add(p, DNS_PLAN_SPF, DNS_REQUIRED, DNS_TXT, f->domain, STR("v=spf1 mx -all"), "SPF: mail of the domain comes from its MX hosts, from nobody else");
	/* RFC 7208 2.4: a bounce has no sender; the name in the greeting stands for it */
	if (!str_eq(f->domain, f->host))
		add(p, DNS_PLAN_SPF_HOST, DNS_RECOMMENDED, DNS_TXT, f->host, STR("v=spf1 a -all"), "SPF of the host's own name: for bounces, which have no sender");
}

static void add_dkim(struct dns_plan *p, struct arena *a)
{
	static const char *const purposes[] = {
		[SIGNING_PENDING] = "DKIM: a key that will sign soon", [SIGNING_ACTIVE] = "DKIM: a key that signs",
		[SIGNING_RETIRED] = "DKIM: a key that signed mail which is still under way",
	};
	const struct dns_facts *f = p->facts;

	for (size_t i = 0; i < f->n_keys; i++) {
		const struct dns_key *k = &f->keys[i];
		enum dns_need need = k->state == SIGNING_ACTIVE ? DNS_REQUIRED : DNS_RECOMMENDED;
		struct str owner = arena_printf(a, "%.*s._domainkey.%.*s", STR_ARG(k->selector), STR_ARG(k->domain));
		add(p, DNS_PLAN_DKIM, need, DNS_TXT, owner, k->record, purposes[k->state])->key = k;
	}
	if (f->n_keys == 0)
		add(p, DNS_PLAN_DKIM, DNS_REQUIRED, DNS_TXT, below(a, "_domainkey", f->domain), STR_NONE, "DKIM: mail of the domain is not signed, there is no key")->hint =
			arena_printf(a, "make one: troika dkim add %.*s", STR_ARG(f->domain));
}

static void add_policies(struct dns_plan *p, struct arena *a)
{
	const struct dns_facts *f = p->facts;
	struct dns_plan_record *r = add(p, DNS_PLAN_DMARC, DNS_RECOMMENDED, DNS_TXT, below(a, "_dmarc", f->domain), STR("v=DMARC1; p=none"),
									"DMARC: what others do with mail that fails; none to begin with");

	if (f->dmarc_address.n)
		r->value = arena_printf(a, "v=DMARC1; p=none; rua=mailto:%.*s", STR_ARG(f->dmarc_address));
	else
		r->hint = arena_printf(a, "for reports: troika alias add dmarc@%.*s YOU, and print again", STR_ARG(f->domain));
	if (f->sts_id.n) {
		add(p, DNS_PLAN_STS, DNS_REQUIRED, DNS_TXT, below(a, "_mta-sts", f->domain), arena_printf(a, "v=STSv1; id=%.*s", STR_ARG(f->sts_id)),
			"MTA-STS: there is a policy; the id changes with it");
		add_alias(p, a, DNS_PLAN_STS_HOST, DNS_REQUIRED, "mta-sts", "MTA-STS: where the policy is read");
	}
	if (f->tls_address.n)
		add(p, DNS_PLAN_TLSRPT, DNS_RECOMMENDED, DNS_TXT, below(a, "_smtp._tls", f->domain), arena_printf(a, "v=TLSRPTv1; rua=mailto:%.*s", STR_ARG(f->tls_address)),
			"TLS-RPT: others tell you how TLS to you went");
}

static int add_tlsa(struct dns_plan *p, struct arena *a)
{
	const struct dns_facts *f = p->facts;
	struct buf digest = BUF_INIT(0), hex = BUF_INIT(0);

	if (!f->n_chain)
		return 0;
	/* RFC 7672 3.1.1: "3 1 1", since it needs no authority and stays as long as the key */
	int r = tls_tlsa_data(f->chain[0], 1, 1, &digest);
	hex_encode(&hex, buf_str(&digest));
	struct dns_plan_record *tlsa = add(p, DNS_PLAN_TLSA, DNS_OPTIONAL, DNS_TLSA, below(a, "_25._tcp", f->host), arena_printf(a, "3 1 1 %.*s", STR_ARG(buf_str(&hex))),
									   "DANE: the certificate's key; counts only in a signed zone (DNSSEC)");
	tlsa->hint = f->key_is_renewed ? STR("each renewal brings another key: first set acme { keep_key = true }") :
				 STR("before a new key is used its record must be here too, or mail is lost");
	buf_fini(&digest);
	buf_fini(&hex);
	return r;
}

/* RFC 6186 3.4: IMAP before POP3; RFC 8314 3: TLS from the start before STARTTLS. */
static void add_services(struct dns_plan *p, struct arena *a)
{
	static const struct { enum app_proto proto; unsigned priority; const char *label; } services[] = {
		{ APP_SUBMISSIONS, 0, "_submissions._tcp" }, { APP_SUBMISSION, 10, "_submission._tcp" }, { APP_IMAPS, 0, "_imaps._tcp" },
		{ APP_IMAP, 10, "_imap._tcp" }, { APP_POP3S, 20, "_pop3s._tcp" }, { APP_POP3, 30, "_pop3._tcp" },
	};
	static const char purpose[] = "how mail programs find their servers; \".\": not offered";
	const struct dns_facts *f = p->facts;

	for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
		uint16_t port = f->port[services[i].proto];
		struct str value = port ? arena_printf(a, "%u 1 %u %.*s.", services[i].priority, port, HOST_TARGET(f)) : STR("0 0 0 .");
		add(p, DNS_PLAN_SRV, DNS_RECOMMENDED, DNS_SRV, below(a, services[i].label, f->domain), value, purpose)->port = port;
	}
	if (f->port[APP_HTTP] || f->port[APP_HTTPS])
		add_alias(p, a, DNS_PLAN_AUTOCONFIG, DNS_OPTIONAL, "autoconfig", "where Thunderbird and its kin read how to set themselves up");
}

int dns_plan_make(const struct dns_facts *f, struct arena *a, struct dns_plan *out)
{
	*out = (struct dns_plan){ .facts = f, .records = arena_array(a, FIXED_RECORDS + f->n_keys, sizeof *out->records) };
	if (!out->records)
		return ERR_NO_MEMORY;
	add(out, DNS_PLAN_ZONE, DNS_OPTIONAL, DNS_SOA, f->domain, STR_NONE, "the zone");
	add_host(out, a);
	add_spf(out);
	add_dkim(out, a);
	add_policies(out, a);
	int r = add_tlsa(out, a);
	add_services(out, a);
	return r ? r : a->failed ? ERR_NO_MEMORY : 0;
}
