#include "app/dns_facts.h"

#include "app/listeners.h"
#include "app/signing.h"
#include "mailauth/domain.h"
#include "rt/net.h"
#include "rt/tls_certificate.h"

#include <unistd.h>

#define PATH_SIZE 1024

/* ---- the certificate ---- */

static int take_chain(const char *file, struct arena *a, struct dns_facts *out, struct err *e)
{
	struct str *chain;
	int r = tls_certificates_read(file, a, &chain, &out->n_chain, e);

	out->chain = chain;
	return r;
}

static bool has(const char *dir, const char *name, char path[PATH_SIZE])
{
	return house_path(dir, name, path, PATH_SIZE) && access(path, F_OK) == 0;
}

/* As serve and rt/tls_context choose: the first of the configured ones and ACME's that is for the name, else the first of all, else the self-signed one. */
int dns_facts_certificate(const char *dir, const struct app_config *c, struct arena *a, struct dns_facts *out, struct err *e)
{
	char acme[PATH_SIZE], own[PATH_SIZE];
	bool has_acme = has(dir, "tls/acme.pem", acme);
	size_t n = c->tls.n_identities + has_acme;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		const char *file = i < c->tls.n_identities ? c->identities[i].cert_file : acme;
		struct dns_facts one = { .key_is_renewed = file == acme && !c->acme.keep_key };
		r = take_chain(file, a, &one, e);
		if (r)
			return r;
		bool fits = tls_certificate_is_for(one.chain[0], c->mail.hostname);
		if (i == 0 || fits) {
			out->chain = one.chain;
			out->n_chain = one.n_chain;
			out->key_is_renewed = one.key_is_renewed;
		}
		if (fits)
			break;
	}
	return n == 0 && has(dir, "tls/self-signed.pem", own) ? take_chain(own, a, out, e) : r;
}

/* ---- keys ---- */

static int take_key(const struct signing_key *k, struct arena *a, struct dns_key *out)
{
	struct buf record = BUF_INIT(0);
	int r = signing_record(k, &record);

	*out = (struct dns_key){ .domain = k->domain, .selector = k->selector, .record = arena_dup(a, buf_str(&record)), .state = k->state,
							 .algorithm = k->algorithm == SIGNING_RSA ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256 };
	buf_fini(&record);
	return r ? r : a->failed ? ERR_NO_MEMORY : 0;
}

/* Adds the keys of one domain. *sign_out: one of them signs. */
static int add_keys(struct directory *d, struct str domain, struct arena *a, struct dns_facts *out, bool *sign_out)
{
	struct signing_key *keys;
	size_t n;
	int r = directory_signing_list(d, a, domain, &keys, &n);

	*sign_out = false;
	if (r)
		return r;
	struct dns_key *all = arena_array(a, out->n_keys + n + 1, sizeof *all);
	r = all ? 0 : ERR_NO_MEMORY;
	if (all && out->n_keys)
		memcpy(all, out->keys, out->n_keys * sizeof *all);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = take_key(&keys[i], a, &all[out->n_keys + i]);
		*sign_out = *sign_out || keys[i].state == SIGNING_ACTIVE;
	}
	directory_signing_wipe(keys, n);
	out->keys = all;
	out->n_keys += n;
	return r;
}

/* Its own, and while none of them signs, those of the nearest parent that does: as the keyring finds them. */
static int find_keys(struct directory *d, struct arena *a, struct dns_facts *out)
{
	bool sign;
	int r = add_keys(d, out->domain, a, out, &sign);

	for (size_t labels = domain_label_count(out->domain); r == 0 && !sign && labels > 1;) {
		struct dns_facts parent = *out;
		r = add_keys(d, domain_last_labels(out->domain, --labels), a, &parent, &sign);
		if (sign)
			*out = parent;
	}
	return r;
}

/* ---- the rest ---- */

static struct str address(struct directory *d, struct arena *a, struct str local, struct str domain)
{
	struct directory_target *targets;
	size_t n;
	struct str s = arena_printf(a, "%.*s@%.*s", STR_ARG(local), STR_ARG(domain));

	return s.p && directory_resolve(d, a, s, &targets, &n) == 0 ? s : STR_NONE;
}

static int take_host(const struct app_config *c, struct arena *a, struct str *out, struct err *e)
{
	struct net_addr literal;
	int r = domain_to_ascii(a, c->mail.hostname, out);

	if (r == ERR_NO_MEMORY)
		return r;
	if (r || domain_label_count(*out) < 2 || net_addr_parse(*out, 0, &literal))
		return err_set(e, ERR_CONFIG, NULL, "the host name \"%.*s\" is none that others could look up: set hostname in troika.conf, like mail.example.org",
					   STR_ARG(c->mail.hostname));
	return 0;
}

static int take_policy(const struct app_config *c, struct arena *a, struct dns_facts *out)
{
	struct buf policy = BUF_INIT(0), id = BUF_INIT(0);

	if (c->sts.mode == STS_NONE)
		return 0;
	sts_policy_format(&c->sts, c->mail.hostname, &policy);
	int r = policy.failed ? ERR_NO_MEMORY : sts_policy_id(buf_str(&policy), &id);
	if (r == 0) {
		out->sts_policy = arena_dup(a, buf_str(&policy));
		out->sts_id = arena_dup(a, buf_str(&id));
	}
	buf_fini(&policy);
	buf_fini(&id);
	return r ? r : a->failed ? ERR_NO_MEMORY : 0;
}

int dns_facts_gather(const struct house *h, const struct app_config *c, struct str domain, struct arena *a, struct dns_facts *out, struct err *e)
{
	int r = domain_to_ascii(a, domain, &out->domain);

	if (r == ERR_NO_MEMORY)
		return r;
	if (r || !directory_domain_is_local(h->directory, out->domain))
		return err_set(e, ERR_NOT_FOUND, NULL, "no domain of ours; to make it one: troika domain add %.*s", STR_ARG(domain));
	r = take_host(c, a, &out->host, e);
	if (r == 0)
		r = find_keys(h->directory, a, out);
	if (r == 0)
		r = take_policy(c, a, out);
	if (r)
		return r;
	for (enum app_proto p = 0; p < APP_PROTO_COUNT; p++)
		out->port[p] = app_offered_port(c, p);
	out->dmarc_address = address(h->directory, a, STR("dmarc"), out->domain);
	out->tls_address = address(h->directory, a, STR("tls-reports"), out->domain);
	if (!out->tls_address.n)
		out->tls_address = address(h->directory, a, STR("postmaster"), out->domain);
	out->validates = !c->dns.trust_anchor || *c->dns.trust_anchor;
	out->directory = h->directory;
	return a->failed ? ERR_NO_MEMORY : 0;
}
