#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "mailauth/dkim_fixture.h"
#include "mailauth/dkim_public.h"
#include "mailauth/dkim_signature.h"

static struct dkim_key *make_key(enum dkim_algorithm algorithm)
{
	struct buf pem = BUF_INIT(0);
	struct dkim_key *k;
	assert_int_equal(dkim_key_generate(algorithm, 0, &pem, NULL), 0);
	assert_int_equal(dkim_key_parse(buf_str(&pem), &k, NULL), 0);
	buf_fini(&pem);
	return k;
}

const char *dkim_fixture_record(struct dkim_fixture *f, const struct dkim_key *key, const char *tags)
{
	struct buf b = BUF_INIT(0);
	assert_int_equal(dkim_key_record(key, &b), 0);
	struct str rest = str_from(buf_str(&b), sizeof("v=DKIM1;") - 1);
	struct str all = arena_printf(&f->arena, "%s%.*s", tags, STR_ARG(rest));
	buf_fini(&b);
	return all.p;
}

int dkim_fixture_setup(void **state)
{
	struct dkim_fixture *f = calloc(1, sizeof(*f));
	assert_non_null(f);
	f->rsa = make_key(DKIM_RSA_SHA256);
	f->ed25519 = make_key(DKIM_ED25519_SHA256);
	f->zone = dns_zone_create();
	f->dns = dns_zone_source(f->zone);
	dns_zone_add(f->zone, arena_printf(&f->arena, "rsa._domainkey.example.org TXT %s\ned._domainkey.example.org TXT %s\n",
									   dkim_fixture_record(f, f->rsa, "v=DKIM1;"), dkim_fixture_record(f, f->ed25519, "v=DKIM1;")).p);
	*state = f;
	return 0;
}

int dkim_fixture_teardown(void **state)
{
	struct dkim_fixture *f = *state;
	dkim_key_unref(&f->rsa);
	dkim_key_unref(&f->ed25519);
	dns_zone_destroy(&f->zone);
	arena_fini(&f->arena);
	free(f);
	return 0;
}

static struct str replace(struct arena *a, struct str s, struct str what, struct str by)
{
	size_t at = str_find(s, what);
	if (at == STR_NPOS)
		return s;
	struct str tail = str_from(s, at + what.n);
	return arena_printf(a, "%.*s%.*s%.*s", (int)at, s.p, STR_ARG(by), STR_ARG(tail));
}

static struct str base64_of(struct arena *a, const char *name, struct str bytes)
{
	struct buf b = BUF_INIT(0);
	base64_encode(&b, bytes);
	struct str all = arena_printf(a, "%s%.*s", name, STR_ARG(buf_str(&b)));
	buf_fini(&b);
	return all;
}

/* The signature of a field that can be read; a field that cannot needs none. */
static bool make_signature(struct dkim_fixture *f, const struct dkim_key *key, struct str field, struct str message, struct str *bh_out,
						   struct str *b_out)
{
	struct dkim_message m;
	struct dkim_signature s;
	struct buf text = BUF_INIT(0), raw = BUF_INIT(0);
	uint8_t digest[CRYPTO_SHA256_SIZE];
	const char *problem;
	assert_int_equal(dkim_message_read(&f->arena, arena_printf(&f->arena, "%.*s%.*s", STR_ARG(field), STR_ARG(message)), &m), 0);
	if (dkim_signature_read(&f->arena, DKIM_FIELD, &m.fields[0], FIXTURE_NOW, &s, &problem) != DKIM_PASS)
		return false;
	assert_int_equal(dkim_message_hash_body(&m, &s.body, 1), 0);
	*bh_out = base64_of(&f->arena, "bh=", str_make(s.body.digest, sizeof(s.body.digest)));
	if (!b_out)
		return true;
	assert_int_equal(dkim_signature_canon_header(&f->arena, &m, &s, &text), 0);
	dkim_signature_canon(&s, &text);
	assert_int_equal(crypto_sha256(buf_str(&text), digest), 0);
	assert_int_equal(dkim_key_sign(key, digest, &raw), 0);
	*b_out = base64_of(&f->arena, "b=", buf_str(&raw));
	buf_fini(&raw);
	buf_fini(&text);
	return true;
}

struct str dkim_fixture_sign(struct dkim_fixture *f, const struct dkim_key *key, const char *tags, struct str message)
{
	struct arena *a = &f->arena;
	struct str field = arena_printf(a, "DKIM-Signature: %s\r\n", tags), bh = STR("bh=AAAA"), b = STR("b=AAAA");
	make_signature(f, key, replace(a, replace(a, field, STR("bh=@"), bh), STR("b=@"), b), message, &bh, NULL);
	field = replace(a, field, STR("bh=@"), bh);
	make_signature(f, key, replace(a, field, STR("b=@"), b), message, &bh, &b);
	return arena_printf(a, "%.*s%.*s", STR_ARG(replace(a, field, STR("b=@"), b)), STR_ARG(message));
}
