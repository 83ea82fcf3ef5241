/* RFC 8737: who asks for "acme-tls/1" by ALPN gets the certificate that proves a name, and nothing else. */
#include "rt/tls.h"

#include "base/map.h"
#include "rt/limits.h"
#include "rt/tls_context_ssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>

#define PROTOCOL "acme-tls/1"

struct proof {
	X509 *cert;
	EVP_PKEY *key;
};

struct tls_challenges {
	pthread_mutex_t lock;        /* a leaf */
	struct map *by_name;         /* lower-case name -> struct proof */
};

int tls_challenges_create(struct tls_challenges **out)
{
	struct tls_challenges *t = calloc(1, sizeof(*t));
	int r = t ? map_create(&t->by_name) : ERR_NO_MEMORY;
	if (r) {
		free(t);
		return r;
	}
	pthread_mutex_init(&t->lock, NULL);
	*out = t;
	return 0;
}

static void proof_free(struct proof *p)
{
	if (!p)
		return;
	X509_free(p->cert);
	EVP_PKEY_free(p->key);
	free(p);
}

void tls_challenges_destroy(struct tls_challenges **t)
{
	size_t pos = 0;
	struct str key;
	void *value;
	if (!*t)
		return;
	while (map_next((*t)->by_name, &pos, &key, &value))
		proof_free(value);
	map_destroy(&(*t)->by_name);
	pthread_mutex_destroy(&(*t)->lock);
	free(*t);
	*t = NULL;
}

static struct proof *proof_read(struct str cert_pem, struct str key_pem)
{
	BIO *cert = BIO_new_mem_buf(cert_pem.p, (int)cert_pem.n), *key = BIO_new_mem_buf(key_pem.p, (int)key_pem.n);
	struct proof *p = calloc(1, sizeof(*p));
	if (p && cert && key) {
		p->cert = PEM_read_bio_X509(cert, NULL, NULL, NULL);
		p->key = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
	}
	BIO_free(cert);
	BIO_free(key);
	ERR_clear_error();
	if (p && p->cert && p->key)
		return p;
	proof_free(p);
	return NULL;
}

int tls_challenges_set(struct tls_challenges *t, struct str name, struct str cert_pem, struct str key_pem)
{
	struct proof *p = proof_read(cert_pem, key_pem);
	if (!p)
		return ERR_INVALID;
	pthread_mutex_lock(&t->lock);
	struct proof *old = map_remove(t->by_name, name);
	int r = map_count(t->by_name) < TLS_CHALLENGES_MAX ? map_put(t->by_name, name, p) : ERR_BUSY;
	pthread_mutex_unlock(&t->lock);
	proof_free(old);
	if (r)
		proof_free(p);
	return r;
}

void tls_challenges_remove(struct tls_challenges *t, struct str name)
{
	pthread_mutex_lock(&t->lock);
	struct proof *p = map_remove(t->by_name, name);
	pthread_mutex_unlock(&t->lock);
	proof_free(p);
}

/* The list of RFC 7301 3.1: a length octet before each name. */
static bool is_asked_for(const unsigned char *list, unsigned n)
{
	for (unsigned at = 0; at < n && list[at] < n - at; at += list[at] + 1u)
		if (str_eq(str_make(list + at + 1, list[at]), STR(PROTOCOL)))
			return true;
	return false;
}

static bool use_proof(struct tls_challenges *t, SSL *ssl, struct str name)
{
	pthread_mutex_lock(&t->lock);
	struct proof *p = map_get(t->by_name, name);
	bool ok = p && SSL_use_certificate(ssl, p->cert) == 1 && SSL_use_PrivateKey(ssl, p->key) == 1;
	pthread_mutex_unlock(&t->lock);
	return ok;
}

static int select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in, unsigned in_n, void *arg)
{
	static const unsigned char protocol[] = PROTOCOL;
	if (!is_asked_for(in, in_n))
		return SSL_TLSEXT_ERR_NOACK;
	if (!use_proof(arg, ssl, str_from_c(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name))))
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = protocol;
	*out_n = sizeof(protocol) - 1;
	return SSL_TLSEXT_ERR_OK;
}

void tls_challenges_offer(struct tls_challenges *t, SSL_CTX *ctx)
{
	SSL_CTX_set_alpn_select_cb(ctx, select_protocol, t);
}
