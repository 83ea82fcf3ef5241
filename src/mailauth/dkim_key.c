#include "mailauth/dkim_public.h"

#include "base/base64.h"
#include "mailauth/limits.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdatomic.h>

#define ED25519_KEY_SIZE 32

struct dkim_public {
	EVP_PKEY *pkey;
	enum dkim_algorithm algorithm;
};

struct dkim_key {
	struct dkim_public half;
	atomic_uint refs;
};

struct str dkim_algorithm_text(enum dkim_algorithm algorithm)
{
	return algorithm == DKIM_RSA_SHA256 ? STR("rsa-sha256") : STR("ed25519-sha256");
}

/* ---- the public half ---- */

static EVP_PKEY *read_rsa(struct str bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p, *end = p + bytes.n;
	/* RFC 6376 3.6.1 says RSAPublicKey, its examples and the world say SubjectPublicKeyInfo (erratum 3017) */
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)bytes.n);
	if (!pkey) {
		p = (const unsigned char *)bytes.p;
		pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)bytes.n);
	}
	if (pkey && (p != end || EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA || EVP_PKEY_get_bits(pkey) > DKIM_RSA_BITS_MAX)) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return pkey;
}

int dkim_public_parse(enum dkim_algorithm algorithm, struct str bytes, struct dkim_public **out)
{
	*out = NULL;
	if (bytes.n == 0 || bytes.n > DKIM_PUBLIC_MAX)
		return ERR_INVALID;
	EVP_PKEY *pkey = algorithm == DKIM_RSA_SHA256 ? read_rsa(bytes)
					 : bytes.n == ED25519_KEY_SIZE
						 ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)bytes.p, bytes.n)
						 : NULL;
	/* what is left in the thread's error queue would be taken for TLS's */
	ERR_clear_error();
	if (!pkey)
		return ERR_INVALID;
	struct dkim_public *p = calloc(1, sizeof(*p));
	if (!p) {
		EVP_PKEY_free(pkey);
		return ERR_NO_MEMORY;
	}
	*p = (struct dkim_public){ pkey, algorithm };
	*out = p;
	return 0;
}

void dkim_public_destroy(struct dkim_public **p)
{
	if (!*p)
		return;
	EVP_PKEY_free((*p)->pkey);
	free(*p);
	*p = NULL;
}

unsigned dkim_public_bits(const struct dkim_public *p) { return (unsigned)EVP_PKEY_get_bits(p->pkey); }

/* RFC 8017 8.2 on a digest that is there already. */
static bool verify_rsa(EVP_PKEY *pkey, const uint8_t *digest, struct str signature)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(pkey, NULL);
	bool ok = c && EVP_PKEY_verify_init(c) == 1 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1 &&
			  EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 &&
			  EVP_PKEY_verify(c, (const unsigned char *)signature.p, signature.n, digest, CRYPTO_SHA256_SIZE) == 1;
	EVP_PKEY_CTX_free(c);
	return ok;
}

/* RFC 8463 3: PureEdDSA over the SHA-256 digest. */
static bool verify_ed25519(EVP_PKEY *pkey, const uint8_t *digest, struct str signature)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestVerifyInit(c, NULL, NULL, NULL, pkey) == 1 &&
			  EVP_DigestVerify(c, (const unsigned char *)signature.p, signature.n, digest, CRYPTO_SHA256_SIZE) == 1;
	EVP_MD_CTX_free(c);
	return ok;
}

bool dkim_public_verify(const struct dkim_public *p, const uint8_t digest[CRYPTO_SHA256_SIZE], struct str signature)
{
	bool ok = p->algorithm == DKIM_RSA_SHA256 ? verify_rsa(p->pkey, digest, signature) : verify_ed25519(p->pkey, digest, signature);
	ERR_clear_error();
	return ok;
}

/* ---- the private half ---- */

/* Not the library's own, which would ask on the terminal. */
static int no_passphrase(char *p, int n, int writing, void *arg)
{
	(void)p, (void)n, (void)writing, (void)arg;
	return 0;
}

static struct dkim_key *wrap(EVP_PKEY *pkey, enum dkim_algorithm algorithm)
{
	struct dkim_key *k = calloc(1, sizeof(*k));
	if (!k) {
		EVP_PKEY_free(pkey);
		return NULL;
	}
	k->half = (struct dkim_public){ pkey, algorithm };
	atomic_init(&k->refs, 1);
	return k;
}

int dkim_key_parse(struct str pem, struct dkim_key **out, struct err *e)
{
	*out = NULL;
	BIO *in = pem.n > 0 && pem.n <= DKIM_PRIVATE_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	EVP_PKEY *pkey = in ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL) : NULL;
	BIO_free(in);
	ERR_clear_error();
	if (!pkey)
		return err_set(e, ERR_INVALID, NULL, "no private key in PEM form without a passphrase");
	int id = EVP_PKEY_get_base_id(pkey), bits = EVP_PKEY_get_bits(pkey);
	/* RFC 8301 3.2: at least 1024, and 2048 is what one should have */
	bool fits = id == EVP_PKEY_ED25519 || (id == EVP_PKEY_RSA && bits >= DKIM_RSA_BITS_SIGN && bits <= DKIM_RSA_BITS_MAX);
	if (!fits) {
		EVP_PKEY_free(pkey);
		return err_set(e, ERR_INVALID, NULL, "a DKIM key is RSA with %d to %d bits, or Ed25519", DKIM_RSA_BITS_SIGN, DKIM_RSA_BITS_MAX);
	}
	*out = wrap(pkey, id == EVP_PKEY_RSA ? DKIM_RSA_SHA256 : DKIM_ED25519_SHA256);
	return *out ? 0 : ERR_NO_MEMORY;
}

int dkim_key_generate(enum dkim_algorithm algorithm, unsigned bits, struct buf *pem_out, struct err *e)
{
	bits = bits ? bits : DKIM_RSA_BITS_SIGN;
	if (algorithm == DKIM_RSA_SHA256 && (bits < DKIM_RSA_BITS_SIGN || bits > DKIM_RSA_BITS_MAX))
		return err_set(e, ERR_INVALID, NULL, "an RSA key of %u bits: %d to %d are possible", bits, DKIM_RSA_BITS_SIGN, DKIM_RSA_BITS_MAX);
	EVP_PKEY *pkey = algorithm == DKIM_RSA_SHA256 ? EVP_RSA_gen(bits) : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *text = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n = 0;
	if (pkey && text && PEM_write_bio_PKCS8PrivateKey(text, pkey, NULL, NULL, 0, NULL, NULL) == 1)
		n = BIO_get_mem_data(text, &p);
	if (n > 0)
		buf_add(pem_out, p, (size_t)n);
	BIO_free(text);        /* wipes */
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return n > 0 && !pem_out->failed ? 0 : err_set(e, ERR_NO_MEMORY, NULL, "no key could be made");
}

struct dkim_key *dkim_key_ref(struct dkim_key *k)
{
	atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
	return k;
}

void dkim_key_unref(struct dkim_key **k)
{
	if (*k && atomic_fetch_sub_explicit(&(*k)->refs, 1, memory_order_acq_rel) == 1) {
		EVP_PKEY_free((*k)->half.pkey);
		free(*k);
	}
	*k = NULL;
}

void dkim_signers_drop(struct dkim_signer *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct dkim_key *key = (struct dkim_key *)(uintptr_t)s[i].key;        /* const to sign with, ours to drop */
		dkim_key_unref(&key);
		s[i].key = NULL;
	}
}

enum dkim_algorithm dkim_key_algorithm(const struct dkim_key *k) { return k->half.algorithm; }

static int add_public(const struct dkim_key *k, struct buf *out)
{
	unsigned char raw[ED25519_KEY_SIZE], *der = NULL;
	size_t n = sizeof(raw);
	if (k->half.algorithm == DKIM_ED25519_SHA256) {
		if (EVP_PKEY_get_raw_public_key(k->half.pkey, raw, &n) != 1)
			return ERR_UNSUPPORTED;
		base64_encode(out, str_make(raw, n));
		return 0;
	}
	int der_n = i2d_PUBKEY(k->half.pkey, &der);
	if (der_n <= 0)
		return ERR_UNSUPPORTED;
	base64_encode(out, str_make(der, (size_t)der_n));
	OPENSSL_free(der);
	return 0;
}

int dkim_key_record(const struct dkim_key *k, struct buf *out)
{
	buf_printf(out, "v=DKIM1; k=%s; p=", k->half.algorithm == DKIM_RSA_SHA256 ? "rsa" : "ed25519");
	int code = add_public(k, out);
	return code == 0 && out->failed ? ERR_NO_MEMORY : code;
}

static bool sign_rsa(EVP_PKEY *pkey, const uint8_t *digest, unsigned char *to, size_t *n)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(pkey, NULL);
	bool ok = c && EVP_PKEY_sign_init(c) == 1 && EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1 &&
			  EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) == 1 && EVP_PKEY_sign(c, to, n, digest, CRYPTO_SHA256_SIZE) == 1;
	EVP_PKEY_CTX_free(c);
	return ok;
}

static bool sign_ed25519(EVP_PKEY *pkey, const uint8_t *digest, unsigned char *to, size_t *n)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestSignInit(c, NULL, NULL, NULL, pkey) == 1 && EVP_DigestSign(c, to, n, digest, CRYPTO_SHA256_SIZE) == 1;
	EVP_MD_CTX_free(c);
	return ok;
}

int dkim_key_sign(const struct dkim_key *k, const uint8_t digest[CRYPTO_SHA256_SIZE], struct buf *out)
{
	size_t n = (size_t)EVP_PKEY_get_size(k->half.pkey);
	char *to = buf_reserve(out, n);
	if (!to)
		return ERR_NO_MEMORY;
	bool ok = k->half.algorithm == DKIM_RSA_SHA256 ? sign_rsa(k->half.pkey, digest, (unsigned char *)to, &n)
												   : sign_ed25519(k->half.pkey, digest, (unsigned char *)to, &n);
	ERR_clear_error();
	if (!ok)
		return ERR_UNSUPPORTED;
	out->n += n;
	return 0;
}
