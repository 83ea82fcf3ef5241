#include "rt/tls_certificate.h"

#include "rt/limits.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

int tls_certificates_read(const char *file, struct arena *a, struct str **out, size_t *n_out, struct err *e)
{
	FILE *f = fopen(file, "re");
	struct str *all = arena_array(a, TLS_CHAIN_MAX, sizeof *all);
	X509 *cert;

	*n_out = 0;
	*out = all;
	if (!f)
		return err_from_errno(e, errno, "cannot read %s", file);
	while (all && *n_out < TLS_CHAIN_MAX && (cert = PEM_read_X509(f, NULL, NULL, NULL))) {
		unsigned char *der = NULL;
		int n = i2d_X509(cert, &der);
		if (n > 0)
			all[(*n_out)++] = arena_dup(a, str_make(der, (size_t)n));
		OPENSSL_free(der);
		X509_free(cert);
	}
	ERR_clear_error();        /* the end of the file is one to the library */
	(void)fclose(f);          /* only read */
	if (a->failed)
		return err_set(e, ERR_NO_MEMORY, NULL, "%s", file);
	return *n_out ? 0 : err_set(e, ERR_INVALID, NULL, "%s: no certificate in PEM form", file);
}

static X509 *parse(struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *cert = der.n <= LONG_MAX ? d2i_X509(NULL, &p, (long)der.n) : NULL;
	ERR_clear_error();
	return cert;
}

bool tls_certificate_is_for(struct str der, struct str host)
{
	X509 *cert = parse(der);
	bool is = cert && host.n && X509_check_host(cert, host.p, host.n, 0, NULL) == 1;
	X509_free(cert);
	return is;
}

/* RFC 6698 2.1.3 */
static int match(const EVP_MD *hash, const unsigned char *der, size_t n, struct buf *out)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (!hash)
		buf_add(out, der, n);
	else if (EVP_Digest(der, n, digest, &size, hash, NULL) == 1)
		buf_add(out, digest, size);
	else
		return ERR_NO_MEMORY;
	return out->failed ? ERR_NO_MEMORY : 0;
}

int tls_tlsa_data(struct str der, unsigned selector, unsigned matching, struct buf *out)
{
	X509 *cert = selector <= 1 && matching <= 2 ? parse(der) : NULL;
	const EVP_MD *hash = matching == 1 ? EVP_sha256() : matching == 2 ? EVP_sha512() : NULL;
	unsigned char *bytes = NULL;
	int n = !cert ? -1 : selector == 0 ? i2d_X509(cert, &bytes) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &bytes);
	int r = n > 0 ? match(hash, bytes, (size_t)n, out) : ERR_INVALID;

	OPENSSL_free(bytes);
	X509_free(cert);
	return r;
}
