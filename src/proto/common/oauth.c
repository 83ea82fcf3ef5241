#include "proto/common/oauth.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "base/clock.h"
#include "proto/common/oauth_keys.h"
#include "rt/fetch.h"

#include <jansson.h>
#include <pthread.h>

#define TOKEN_MAX 8192                    /* octets */
#define CLOCK_SKEW_S 60                   /* of the authority's clock and ours, RFC 7519 4.1.4 */
#define TIMEOUT_MS 10000
#define ANSWER_MAX ((size_t)1 << 18)

struct oauth {
	pthread_mutex_t lock;                 /* of keys; held while they are fetched, so that they are fetched once */
	struct oauth_keys *keys;
};

int oauth_create(struct oauth **out)
{
	struct oauth *o = calloc(1, sizeof(*o));
	if (!o)
		return ERR_NO_MEMORY;
	pthread_mutex_init(&o->lock, NULL);
	*out = o;
	return 0;
}

void oauth_destroy(struct oauth **o)
{
	if (!*o)
		return;
	oauth_keys_destroy(&(*o)->keys);
	pthread_mutex_destroy(&(*o)->lock);
	free(*o);
	*o = NULL;
}

bool oauth_is_offered(const struct mail_config *cfg) { return cfg->oauth_keys.n || cfg->oauth_introspection.n; }

static int deny(struct err *e, const char *why) { return err_set(e, ERR_DENIED, NULL, "token: %s", why); }

/* ---- what a token claims ---- */

static bool audience_has(const json_t *aud, const char *wanted)
{
	if (json_is_string(aud))
		return !strcmp(json_string_value(aud), wanted);
	for (size_t i = 0; i < json_array_size(aud); i++) {
		const json_t *one = json_array_get(aud, i);
		if (json_is_string(one) && !strcmp(json_string_value(one), wanted))
			return true;
	}
	return false;
}

/* Some authorities say it in a string. */
static bool is_unverified(const json_t *claims)
{
	const json_t *verified = json_object_get(claims, "email_verified");
	return verified && !json_is_true(verified) && !(json_is_string(verified) && !strcmp(json_string_value(verified), "true"));
}

/* RFC 7519 4.1; the same members stand in the answer of RFC 7662 2.2. */
static int check_claims(const json_t *claims, const struct mail_config *cfg, struct arena *a, int64_t now, struct str *user_out, struct err *e)
{
	const json_t *exp = json_object_get(claims, "exp"), *nbf = json_object_get(claims, "nbf"), *iss = json_object_get(claims, "iss");
	const char *claim = arena_dup_c(a, cfg->oauth_user_claim), *issuer = arena_dup_c(a, cfg->oauth_issuer), *audience = arena_dup_c(a, cfg->oauth_audience);
	if (!claim || !issuer || !audience)
		return ERR_NO_MEMORY;
	if ((exp && !json_is_number(exp)) || (nbf && !json_is_number(nbf)))
		return deny(e, "exp or nbf is no number");
	if (exp && json_number_value(exp) + CLOCK_SKEW_S <= (double)now)
		return deny(e, "expired");
	if (nbf && json_number_value(nbf) - CLOCK_SKEW_S > (double)now)
		return deny(e, "not valid yet");
	if (*issuer && (!json_is_string(iss) || strcmp(json_string_value(iss), issuer) != 0))
		return deny(e, "from another issuer");
	if (*audience && !audience_has(json_object_get(claims, "aud"), audience))
		return deny(e, "for another audience");
	const json_t *user = json_object_get(claims, claim);
	if (!json_is_string(user) || !json_string_length(user))
		return deny(e, "does not name the user");
	/* An address that the authority has not checked would be whatever the user typed there (OpenID Connect Core 5.1). */
	if (!strcmp(claim, "email") && is_unverified(claims))
		return deny(e, "its mail address is not verified");
	*user_out = arena_dup(a, str_make(json_string_value(user), json_string_length(user)));
	return user_out->p ? 0 : ERR_NO_MEMORY;
}

/* ---- asking the authority, RFC 7662 2 ---- */

static void add_form(struct buf *out, struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if (ascii_is_alnum((char)c) || c == '-' || c == '.' || c == '_')
			buf_add_char(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

static int ask(const struct mail_config *cfg, struct arena *a, struct str token, struct fetch_answer *answer, struct err *e)
{
	struct buf body = BUF_INIT(0), pair = BUF_INIT(0), basic = BUF_INIT(0);
	buf_add_lit(&body, "token_type_hint=access_token&token=");
	add_form(&body, token);
	/* RFC 6749 2.3.1 */
	add_form(&pair, cfg->oauth_client_id);
	buf_add_char(&pair, ':');
	add_form(&pair, cfg->oauth_client_secret);
	buf_add_lit(&basic, "Basic ");
	base64_encode(&basic, buf_str(&pair));
	struct fetch_header headers[] = {
		{ "Content-Type", STR("application/x-www-form-urlencoded") }, { "Accept", STR("application/json") }, { "Authorization", buf_str(&basic) },
	};
	struct fetch_request r = {
		.method = "POST", .url = arena_dup_c(a, cfg->oauth_introspection), .allow_http = cfg->oauth_allow_http, .timeout_ms = TIMEOUT_MS, .max = ANSWER_MAX,
		.headers = headers, .n_headers = cfg->oauth_client_id.n ? 3 : 2, .body = buf_str(&body),
	};
	int code = body.failed || basic.failed || pair.failed || !r.url ? ERR_NO_MEMORY : fetch(&r, answer, e);
	buf_fini(&body);
	buf_fini(&pair);
	buf_fini(&basic);
	return code;
}

/* A fault of the authority's, not of the client's. */
static int authority_failed(struct err *e, int code, const char *what)
{
	if (err_class(code) == ERR_CLASS_CLIENT)
		code = ERR_IO;
	return e && e->code == code ? code : err_set(e, code, NULL, "OAuth authority: %s", what);
}

static int introspect(const struct mail_config *cfg, struct arena *a, struct str token, int64_t now, struct str *user_out, struct err *e)
{
	struct fetch_answer answer = { 0 };
	int code = ask(cfg, a, token, &answer, e);
	if (code || answer.status != 200) {
		fetch_answer_fini(&answer);
		return authority_failed(e, code ? code : ERR_IO, "no answer to introspection");
	}
	json_t *claims = json_loadb(answer.body.p, answer.body.n, JSON_REJECT_DUPLICATES, NULL);
	fetch_answer_fini(&answer);
	if (!json_is_object(claims))
		code = authority_failed(e, ERR_IO, "introspection answers no JSON object");
	else if (!json_is_true(json_object_get(claims, "active")))
		code = deny(e, "not active");
	else
		code = check_claims(claims, cfg, a, now, user_out, e);
	json_decref(claims);
	return code;
}

/* ---- JWT ---- */

static json_t *part_json(struct str part)
{
	struct buf b = BUF_INIT(0);
	json_t *j = base64url_decode(&b, part) == 0 && !b.failed ? json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, NULL) : NULL;
	buf_fini(&b);
	if (!json_is_object(j)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

static int check_signature(struct oauth *o, const struct mail_config *cfg, const json_t *header, struct str signed_part, struct str signature64, struct err *e)
{
	const char *alg = json_string_value(json_object_get(header, "alg")), *kid = json_string_value(json_object_get(header, "kid"));
	struct buf signature = BUF_INIT(0);
	if (!alg || json_object_get(header, "crit") || base64url_decode(&signature, signature64) != 0) {
		buf_fini(&signature);
		return deny(e, "its header or signature cannot be read");
	}
	pthread_mutex_lock(&o->lock);
	int code = oauth_keys_check(&o->keys, cfg, alg, kid, signed_part, buf_str(&signature), clock_mono_ms(), e);
	pthread_mutex_unlock(&o->lock);
	buf_fini(&signature);
	return code == ERR_DENIED ? deny(e, "no key of the authority's has signed it") : code ? authority_failed(e, code, "no keys") : 0;
}

static int verify_jwt(struct oauth *o, const struct mail_config *cfg, struct arena *a, struct str token, int64_t now, struct str *user_out, struct err *e)
{
	struct str head, body, signature, rest;
	if (!str_cut(token, '.', &head, &rest) || !str_cut(rest, '.', &body, &signature) || str_chr(signature, '.') != STR_NPOS)
		return deny(e, "not a JWT");
	json_t *header = part_json(head);
	if (!header)
		return deny(e, "not a JWT");
	int code = check_signature(o, cfg, header, str_sub(token, 0, head.n + 1 + body.n), signature, e);
	json_decref(header);
	if (code)
		return code;
	json_t *claims = part_json(body);
	if (!claims)
		return deny(e, "its claims are no JSON object");
	/* A JWT without end would open the mailbox for ever. */
	code = json_object_get(claims, "exp") ? check_claims(claims, cfg, a, now, user_out, e) : deny(e, "does not expire");
	json_decref(claims);
	return code;
}

int oauth_verify(struct oauth *o, const struct mail_config *cfg, struct arena *a, struct str token, int64_t now, struct str *user_out, struct err *e)
{
	/* b64token of RFC 6750 2.1 */
	if (!token.n || token.n > TOKEN_MAX)
		return deny(e, "empty or too long");
	for (size_t i = 0; i < token.n; i++)
		if (token.p[i] <= ' ' || token.p[i] > '~')
			return deny(e, "not of the right characters");
	return cfg->oauth_keys.n ? verify_jwt(o, cfg, a, token, now, user_out, e) : introspect(cfg, a, token, now, user_out, e);
}
