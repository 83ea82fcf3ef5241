/* SCRAM with SHA-1 and SHA-256 (RFC 5802, 7677), with and without channel binding. Our own, because GNU SASL's server cannot bind by
 * tls-server-end-point. An unknown user walks the whole way with made-up keys and fails where a wrong password fails. */
#include "proto/common/inside.h"

#include "base/base64.h"
#include "base/utf8.h"

#define DIGEST_MAX CRYPTO_SHA256_SIZE
#define OWN_NONCE_OCTETS 18                /* 24 characters of base64 */

struct scram_hash {
	size_t n;
	int (*digest)(struct str s, uint8_t *out);
	int (*hmac)(struct str key, struct str s, uint8_t *out);
};
static const struct scram_hash sha1 = { CRYPTO_SHA1_SIZE, crypto_sha1, crypto_hmac_sha1 };
static const struct scram_hash sha256 = { CRYPTO_SHA256_SIZE, crypto_sha256, crypto_hmac_sha256 };

static const struct scram_hash *hash_of(const struct sasl *x) { return x->mechanism->sha1 ? &sha1 : &sha256; }

static struct str keep(struct sasl *x, const struct buf *b)
{
	return b->failed ? STR_NONE : arena_dup(&x->arena, buf_str(b));
}

/* ---- client-first-message ---- */

/* RFC 5802 section 5.1: "=2C" and "=3D" stand for "," and "=", and "=" stands for nothing else. */
static bool unescape(struct sasl *x, struct str escaped, struct str *out)
{
	struct buf b = BUF_INIT(0);
	bool ok = escaped.n > 0 && utf8_is_valid(escaped);
	for (size_t i = 0; ok && i < escaped.n; i++) {
		struct str rest = str_from(escaped, i);
		if (escaped.p[i] != '=') {
			buf_add_char(&b, escaped.p[i]);
			continue;
		}
		ok = str_starts(rest, STR("=2C")) || str_starts(rest, STR("=3D"));
		buf_add_char(&b, str_starts(rest, STR("=2C")) ? ',' : '=');
		i += 2;
	}
	*out = ok ? keep(x, &b) : STR_NONE;
	buf_fini(&b);
	return ok && out->p;
}

/* RFC 5802 section 7: printable ASCII without ",". */
static bool is_nonce(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == ',')
			return false;
	return s.n > 0;
}

static int channel_binding(struct sasl *x, struct str type, struct buf *out)
{
	if (str_eq(type, STR("tls-exporter")))
		return conn_tls_exporter(x->conn, out);            /* RFC 9266 */
	if (str_eq(type, STR("tls-server-end-point")))
		return conn_tls_end_point(x->conn, out);           /* RFC 5929 section 4 */
	return ERR_UNSUPPORTED;                                /* tls-unique does not exist in TLS 1.3 */
}

/* gs2-cbind-flag: 0, or ERR_DENIED. RFC 5802 section 6: who binds must use -PLUS, who uses it must bind; and a client that says "y" would have
 * bound but was not offered it: if we did offer it, somebody in the middle took the offer away. */
static int check_flag(struct sasl *x, struct str flag, struct buf *binding)
{
	if (str_starts(flag, STR("p=")))
		return x->mechanism->binds_channel && channel_binding(x, str_from(flag, 2), binding) == 0 ? 0 : ERR_DENIED;
	if (x->mechanism->binds_channel)
		return ERR_DENIED;
	return str_eq(flag, STR("y")) && sasl_can_bind_channel(x->conn) ? ERR_DENIED : 0;
}

struct client_first {
	struct str flag, authzid, header, bare, name, nonce;
};

/* flag "," ["a=" saslname] "," "n=" saslname ",r=" nonce ["," extensions]. "m=" first is an extension that nobody knows. */
static bool read_first(struct str in, struct client_first *out)
{
	struct str rest, attribute;
	*out = (struct client_first){ .authzid = STR_NONE };
	if (!str_cut(in, ',', &out->flag, &rest) || !str_cut(rest, ',', &attribute, &out->bare))
		return false;
	bool known = str_eq(out->flag, STR("n")) || str_eq(out->flag, STR("y")) || str_starts(out->flag, STR("p="));
	if (!known || (attribute.n && !str_starts(attribute, STR("a="))))
		return false;
	out->authzid = str_from(attribute, attribute.n ? 2 : 0);
	out->header = str_sub(in, 0, in.n - out->bare.n);
	if (!str_starts(out->bare, STR("n=")) || !str_cut(str_from(out->bare, 2), ',', &out->name, &rest))
		return false;
	str_cut(rest, ',', &attribute, &rest);
	out->nonce = str_from(attribute, 2);
	return str_starts(attribute, STR("r=")) && is_nonce(out->nonce);
}

static int ask_directory(struct sasl *x)
{
	x->asked = true;
	x->credentials_code = directory_credentials(services_directory(x->services), &x->arena, &x->login, x->name, &x->credentials);
	return x->credentials_code == ERR_NOT_FOUND ? 0 : x->credentials_code;
}

/* server-first-message: r=, s=, i= */
static int write_first(struct sasl *x, struct str client_nonce, struct buf *out)
{
	const struct directory_scram *keys = &x->credentials.scram;
	uint8_t own[OWN_NONCE_OCTETS];
	struct buf nonce = BUF_INIT(0);
	crypto_random(own, sizeof(own));
	buf_add_str(&nonce, client_nonce);
	base64_encode(&nonce, str_make(own, sizeof(own)));
	x->scram.nonce = keep(x, &nonce);
	buf_fini(&nonce);
	buf_printf(out, "r=%.*s,s=", STR_ARG(x->scram.nonce));
	base64_encode(out, str_make(keys->salt, sizeof(keys->salt)));
	buf_printf(out, ",i=%u", keys->iterations);
	x->scram.server_first = keep(x, out);
	return x->scram.nonce.p && x->scram.server_first.p ? 0 : ERR_NO_MEMORY;
}

static enum sasl_result first(struct sasl *x, struct str in, struct buf *out, int *code_out)
{
	struct client_first f;
	if (!read_first(in, &f))
		return SASL_MALFORMED;
	struct buf binding = BUF_INIT(0), expected = BUF_INIT(0);
	buf_add_str(&binding, f.header);
	int code = check_flag(x, f.flag, &binding);
	if (code == 0 && (!unescape(x, f.name, &x->name) || (f.authzid.n && !unescape(x, f.authzid, &x->scram.authzid))))
		code = ERR_DENIED;
	if (code == 0) {
		base64_encode(&expected, buf_str(&binding));
		x->scram.binding = keep(x, &expected);
		x->scram.client_first = arena_dup(&x->arena, f.bare);
		code = x->scram.binding.p && x->scram.client_first.p ? ask_directory(x) : ERR_NO_MEMORY;
	}
	if (code == 0)
		code = write_first(x, f.nonce, out);
	buf_fini(&binding);
	buf_fini(&expected);
	return code ? sasl_fail(code, code_out) : SASL_CONTINUE;
}

/* ---- client-final-message ---- */

struct client_final {
	struct str without_proof, binding, nonce, proof;
};

/* "c=" base64 ",r=" nonce ["," extensions] ",p=" base64 */
static bool read_final(struct str in, struct client_final *out)
{
	struct str rest;
	size_t at = STR_NPOS;
	for (size_t i = 0; i + 3 <= in.n; i++)
		if (str_starts(str_from(in, i), STR(",p=")))
			at = i;
	if (at == STR_NPOS)
		return false;
	out->without_proof = str_sub(in, 0, at);
	out->proof = str_from(in, at + 3);
	str_cut(out->without_proof, ',', &out->binding, &rest);
	str_cut(rest, ',', &out->nonce, &rest);
	if (!str_starts(out->binding, STR("c=")) || !str_starts(out->nonce, STR("r=")))
		return false;
	out->binding = str_from(out->binding, 2);
	out->nonce = str_from(out->nonce, 2);
	return true;
}

struct keys {
	const uint8_t *stored, *server;
};

/* Those of nobody where the user has none of this hash. */
static struct keys keys_of(struct sasl *x, uint8_t nobody[DIGEST_MAX])
{
	const struct directory_scram *s = &x->credentials.scram;
	if (!x->mechanism->sha1)
		return (struct keys){ s->stored_key, s->server_key };
	if (x->credentials_code == 0 && s->has_sha1)
		return (struct keys){ s->stored_key_sha1, s->server_key_sha1 };
	crypto_random(nobody, DIGEST_MAX);
	return (struct keys){ nobody, nobody };
}

/* RFC 5802 section 3: ClientKey is the proof without the ClientSignature, and its hash is the StoredKey. 0, ERR_DENIED, or no memory. */
static int check_proof(const struct scram_hash *h, const uint8_t *stored, struct str message, struct str proof)
{
	struct buf octets = BUF_INIT(0);
	uint8_t signature[DIGEST_MAX], found[DIGEST_MAX];
	int code = base64_decode(&octets, proof) == 0 && octets.n == h->n ? 0 : ERR_DENIED;
	if (code == 0)
		code = h->hmac(str_make(stored, h->n), message, signature);
	if (code == 0) {
		for (size_t i = 0; i < h->n; i++)
			signature[i] ^= (uint8_t)octets.p[i];
		code = h->digest(str_make(signature, h->n), found);
	}
	if (code == 0 && !crypto_equal(found, stored, h->n))
		code = ERR_DENIED;
	crypto_wipe(signature, sizeof(signature));
	buf_fini(&octets);
	return code;
}

static int verify(struct sasl *x, const struct client_final *f, struct buf *out)
{
	const struct scram_hash *h = hash_of(x);
	uint8_t nobody[DIGEST_MAX], signature[DIGEST_MAX];
	struct keys keys = keys_of(x, nobody);
	struct buf message = BUF_INIT(0);
	buf_printf(&message, "%.*s,%.*s,%.*s", STR_ARG(x->scram.client_first), STR_ARG(x->scram.server_first), STR_ARG(f->without_proof));
	bool bound = str_eq(f->binding, x->scram.binding) && str_eq(f->nonce, x->scram.nonce);
	int code = message.failed ? ERR_NO_MEMORY : check_proof(h, keys.stored, buf_str(&message), f->proof);
	if (code == 0 && !bound)
		code = ERR_DENIED;
	if (code == 0)
		code = h->hmac(str_make(keys.server, h->n), buf_str(&message), signature);
	if (code == 0) {
		buf_add_lit(out, "v=");
		base64_encode(out, str_make(signature, h->n));
	}
	buf_fini(&message);
	return code;
}

static enum sasl_result final(struct sasl *x, struct str in, struct buf *out, int *code_out)
{
	struct client_final f;
	if (!read_final(in, &f))
		return SASL_MALFORMED;
	int code = verify(x, &f, out);
	if (code == 0 || code == ERR_DENIED)
		code = sasl_proven(x, x->name, x->scram.authzid, code == 0);
	return code ? sasl_fail(code, code_out) : SASL_CONTINUE;
}

enum sasl_result sasl_step_scram(struct sasl *x, struct str in, struct buf *out, int *code_out)
{
	if (x->proven)
		return in.n == 0 ? SASL_DONE : SASL_MALFORMED;
	if (in.n == 0 || str_chr(in, '\0') != STR_NPOS)
		return SASL_MALFORMED;
	return x->asked ? final(x, in, out, code_out) : first(x, in, out, code_out);
}
