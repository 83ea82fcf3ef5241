#include "mailauth/dkim_check.h"

#include "mailauth/dkim_public.h"
#include "mailauth/dkim_record.h"
#include "mailauth/domain.h"

struct dkim_lookup {
	struct dkim_lookup *next;
	struct str name;
	int code;
	struct dns_answer answer;
};

static void conclude(struct dkim_checked *out, enum dkim_result result, const char *why)
{
	out->result = result;
	out->problem = why;
}

/* ---- the key: 6.1.2 ---- */

static const struct dkim_lookup *look_up(struct dkim_keys *keys, struct str name)
{
	for (struct dkim_lookup *l = keys->asked; l; l = l->next)
		if (str_ieq(l->name, name))
			return l;
	struct dkim_lookup *l = arena_new(keys->arena, struct dkim_lookup);
	if (!l)
		return NULL;
	l->name = name;
	l->code = dns_query(keys->dns, keys->arena, name, DNS_TXT, &l->answer);
	l->next = keys->asked;
	keys->asked = l;
	return l;
}

static bool is_of_domain_itself(const struct dkim_signature *s)
{
	struct str domain = str_from(s->identity, str_rchr(s->identity, '@') + 1);
	return s->kind != DKIM_FIELD || domain_label_count(domain) == domain_label_count(s->domain);
}

static void hold_to_message(const struct dkim_public *key, const struct dkim_signature *s, const uint8_t *digest, const struct dkim_body_hash *body,
							struct dkim_checked *out)
{
	/* 6.1.3: the body first. 3.5: l= may not be beyond it */
	if (body && s->body.limit != UINT64_MAX && s->body.limit > body->length)
		conclude(out, DKIM_FAIL, "the body is shorter than l=");
	else if (body && !str_eq(s->body_hash, str_make(body->digest, sizeof(body->digest))))
		conclude(out, DKIM_FAIL, "body hash does not match");
	else if (!dkim_public_verify(key, digest, s->signature))
		conclude(out, DKIM_FAIL, "signature does not verify");
	else
		conclude(out, DKIM_PASS, NULL);
}

/* Steps 5 to 8 for one of the records. */
static int hold_to_record(struct str text, const struct dkim_signature *s, const uint8_t *digest, const struct dkim_body_hash *body,
						  struct dkim_checked *out)
{
	struct dkim_record record;
	struct dkim_public *key = NULL;
	struct buf bytes = BUF_INIT(DKIM_PUBLIC_MAX);
	const char *problem = dkim_record_parse(text, s->algorithm, &record, &bytes);
	int code = problem ? 0 : dkim_public_parse(s->algorithm, buf_str(&bytes), &key);
	buf_fini(&bytes);
	out->testing = record.testing;
	out->bits = key ? dkim_public_bits(key) : 0;
	if (problem)
		conclude(out, DKIM_PERMERROR, problem);
	else if (code == ERR_INVALID)
		conclude(out, DKIM_PERMERROR, "key cannot be used");
	else if (code == 0 && record.strict && !is_of_domain_itself(s))
		conclude(out, DKIM_PERMERROR, "key is not for subdomains");
	/* RFC 8301 3.2 */
	else if (code == 0 && s->algorithm == DKIM_RSA_SHA256 && out->bits < DKIM_RSA_BITS_MIN)
		conclude(out, DKIM_POLICY, "key is too short");
	else if (code == 0)
		hold_to_message(key, s, digest, body, out);
	dkim_public_destroy(&key);
	return code == ERR_NO_MEMORY ? code : 0;
}

int dkim_check(struct dkim_keys *keys, const struct dkim_signature *s, const uint8_t digest[CRYPTO_SHA256_SIZE],
			   const struct dkim_body_hash *body, struct dkim_checked *out)
{
	const struct dkim_lookup *l = look_up(keys, s->query);
	int code = l ? l->code : ERR_NO_MEMORY;
	*out = (struct dkim_checked){ .result = DKIM_PERMERROR, .problem = "no key for signature" };
	if (code == ERR_INVALID || code == ERR_NO_MEMORY)
		return code == ERR_INVALID ? 0 : code;
	if (code != 0 || l->answer.status == DNS_TEMPORARY || l->answer.status == DNS_BOGUS) {
		conclude(out, DKIM_TEMPERROR, "key cannot be asked for");
		return 0;
	}
	/* step 4: one that fits is enough */
	code = 0;
	for (size_t i = 0; code == 0 && i < l->answer.n && i < DKIM_RECORDS_MAX && out->result != DKIM_PASS; i++)
		code = hold_to_record(l->answer.records[i].text, s, digest, body, out);
	return code;
}

int dkim_check_message(struct dkim_keys *keys, const struct dkim_message *m, const struct dkim_signature *s, const struct dkim_body_hash *body,
					   struct dkim_checked *out)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	struct buf b = BUF_INIT(0);
	int code = dkim_signature_canon_header(keys->arena, m, s, &b);
	dkim_signature_canon(s, &b);
	if (code == 0)
		code = b.failed ? ERR_NO_MEMORY : crypto_sha256(buf_str(&b), digest);
	buf_fini(&b);
	return code ? code : dkim_check(keys, s, digest, body, out);
}

/* ---- bodies ---- */

const struct dkim_body_hash *dkim_bodies_find(const struct dkim_bodies *b, const struct dkim_body_hash *h)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i].how == h->how && b->v[i].limit == h->limit)
			return &b->v[i];
	return NULL;
}

bool dkim_bodies_want(struct dkim_bodies *b, const struct dkim_body_hash *h)
{
	if (dkim_bodies_find(b, h))
		return true;
	if (b->n == DKIM_BODY_HASHES_MAX)
		return false;
	b->v[b->n++] = *h;
	return true;
}
