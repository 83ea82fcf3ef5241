#include "proto/common/oauth_keys.h"

#include "base/base64.h"
#include "rt/crypto_key.h"
#include "rt/fetch.h"

#include <jansson.h>
#include <stdio.h>

#define KEYS_MAX 64
#define KID_MAX 128
#define SET_MAX ((size_t)1 << 18)         /* octets of a key set */
#define FRESH_MS ((uint64_t)3600 * 1000)  /* read anew after so long */
#define AGAIN_MS ((uint64_t)60 * 1000)    /* and for a missing key at most so often */
#define TIMEOUT_MS 10000

struct key {
	enum crypto_signature kind;
	char kid[KID_MAX + 1];                /* empty: none */
	struct crypto_key *key;
};

struct oauth_keys {
	char source[1024];                    /* what it was read from */
	uint64_t read_ms;
	size_t n;
	struct key key[KEYS_MAX];
};

static void forget(struct oauth_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		crypto_key_destroy(&k->key[i].key);
	k->n = 0;
}

void oauth_keys_destroy(struct oauth_keys **k)
{
	if (*k)
		forget(*k);
	free(*k);
	*k = NULL;
}

/* ---- reading ---- */

static bool number(const json_t *jwk, const char *name, struct buf *out)
{
	const char *text = json_string_value(json_object_get(jwk, name));
	return text && base64url_decode(out, str_from_c(text)) == 0 && !out->failed;
}

static bool is(const json_t *jwk, const char *name, const char *value)
{
	const char *text = json_string_value(json_object_get(jwk, name));
	return text && !strcmp(text, value);
}

/* RFC 7518 6.2, 6.3; RFC 8037 2. A key of another kind, or for another use, is passed over (RFC 7517 5). */
static void add(struct oauth_keys *k, const json_t *jwk)
{
	struct buf a = BUF_INIT(0), b = BUF_INIT(0);
	struct key *key = &k->key[k->n];
	const char *kid = json_string_value(json_object_get(jwk, "kid"));
	bool good = k->n < KEYS_MAX && (!json_object_get(jwk, "use") || is(jwk, "use", "sig"));
	if (good && is(jwk, "kty", "RSA")) {
		key->kind = CRYPTO_RS256;
		good = number(jwk, "n", &a) && number(jwk, "e", &b);
	} else if (good && is(jwk, "kty", "EC") && is(jwk, "crv", "P-256")) {
		key->kind = CRYPTO_ES256;
		good = number(jwk, "x", &a) && number(jwk, "y", &b);
	} else if (good && is(jwk, "kty", "OKP") && is(jwk, "crv", "Ed25519")) {
		key->kind = CRYPTO_EDDSA;
		good = number(jwk, "x", &a);
	} else {
		good = false;
	}
	if (good && crypto_key_create(key->kind, buf_str(&a), buf_str(&b), &key->key) == 0) {
		snprintf(key->kid, sizeof(key->kid), "%s", kid ? kid : "");
		k->n++;
	}
	buf_fini(&a);
	buf_fini(&b);
}

static int read_file(const char *path, struct buf *out, struct err *e)
{
	char block[4096];
	size_t n;
	FILE *f = fopen(path, "re");
	if (!f)
		return err_set(e, ERR_CONFIG, NULL, "oauth_keys: %s cannot be read", path);
	while ((n = fread(block, 1, sizeof(block), f)) > 0 && out->n < SET_MAX)
		buf_add(out, block, n);
	(void)fclose(f);
	return out->failed ? ERR_NO_MEMORY : 0;
}

static int read_source(const char *source, bool allow_http, struct buf *out, struct err *e)
{
	if (!strstr(source, "://"))
		return read_file(source, out, e);
	struct fetch_request r = { .url = source, .allow_http = allow_http, .follow = true, .timeout_ms = TIMEOUT_MS, .max = SET_MAX };
	struct fetch_answer answer = { 0 };
	int code = fetch(&r, &answer, e);
	if (code == 0 && answer.status != 200)
		code = err_set(e, ERR_IO, NULL, "oauth_keys: %s answers %u", source, answer.status);
	if (code == 0)
		buf_add_str(out, buf_str(&answer.body));
	fetch_answer_fini(&answer);
	return code;
}

/* What was there stays when the new cannot be had. */
static int renew(struct oauth_keys *k, bool allow_http, uint64_t now_ms, struct err *e)
{
	struct buf text = BUF_INIT(0);
	int code = read_source(k->source, allow_http, &text, e);
	json_t *set = code ? NULL : json_loadb(text.p ? text.p : "", text.n, 0, NULL);
	const json_t *keys = json_object_get(set, "keys");
	buf_fini(&text);
	k->read_ms = now_ms;
	if (code == 0 && !json_is_array(keys))
		code = err_set(e, ERR_CONFIG, NULL, "oauth_keys: %s is no JSON Web Key Set", k->source);
	if (code == 0) {
		forget(k);
		for (size_t i = 0; i < json_array_size(keys); i++)
			add(k, json_array_get(keys, i));
	}
	json_decref(set);
	return code;
}

/* ---- checking ---- */

static bool kind_of(const char *alg, enum crypto_signature *out)
{
	static const char *const names[] = { [CRYPTO_RS256] = "RS256", [CRYPTO_ES256] = "ES256", [CRYPTO_EDDSA] = "EdDSA" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(alg, names[i])) {
			*out = (enum crypto_signature)i;
			return true;
		}
	return false;
}

/* The token's "alg" only chooses among keys of that very kind: "none", or a public key used as a secret, cannot pass. 1: signed; 0: not; -1: there is
 * no key to try. */
static int check(const struct oauth_keys *k, enum crypto_signature kind, const char *kid, struct str message, struct str signature)
{
	int result = -1;
	for (size_t i = 0; i < k->n; i++) {
		const struct key *key = &k->key[i];
		if (key->kind != kind || (kid && *key->kid && strcmp(kid, key->kid) != 0))
			continue;
		if (crypto_key_verifies(key->key, message, signature))
			return 1;
		result = 0;
	}
	return result;
}

static int prepare(struct oauth_keys **k, const struct mail_config *cfg)
{
	if (*k && str_eq(str_from_c((*k)->source), cfg->oauth_keys))
		return 0;
	oauth_keys_destroy(k);
	if (cfg->oauth_keys.n >= sizeof((*k)->source))
		return ERR_CONFIG;
	*k = calloc(1, sizeof(**k));
	if (!*k)
		return ERR_NO_MEMORY;
	memcpy((*k)->source, cfg->oauth_keys.p, cfg->oauth_keys.n);
	return 0;
}

int oauth_keys_check(struct oauth_keys **k, const struct mail_config *cfg, const char *alg, const char *kid, struct str message, struct str signature,
					 uint64_t now_ms, struct err *e)
{
	enum crypto_signature kind;
	if (!kind_of(alg, &kind))
		return ERR_DENIED;
	int code = prepare(k, cfg);
	if (code)
		return code;
	struct oauth_keys *keys = *k;
	if (!keys->read_ms || now_ms - keys->read_ms > FRESH_MS) {
		code = renew(keys, cfg->oauth_allow_http, now_ms, e);
		if (code && !keys->n)
			return code;
	}
	int signed_by = check(keys, kind, kid, message, signature);
	/* The authority may have a new key. */
	if (signed_by < 0 && now_ms - keys->read_ms > AGAIN_MS && renew(keys, cfg->oauth_allow_http, now_ms, e) == 0)
		signed_by = check(keys, kind, kid, message, signature);
	/* Without any key nothing can be said of the token, and nobody is to be braked for it. */
	if (!keys->n)
		return err_set(e, ERR_IO, NULL, "oauth_keys: there are none");
	return signed_by == 1 ? 0 : ERR_DENIED;
}
