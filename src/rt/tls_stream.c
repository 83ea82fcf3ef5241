#include "rt/tls_stream.h"

#include "rt/dns_name.h"
#include "rt/tls_conn_ssl.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>

/* ---- contexts ---- */

/* Process-wide by contract: the trust store is read once, and what lies in the system's directory on demand. */
static struct {
	pthread_once_t once;
	SSL_CTX *by_trust[TLS_TRUST_DANE + 1];
} contexts = { .once = PTHREAD_ONCE_INIT };

static SSL_CTX *make_context(enum tls_trust trust)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		return NULL;
	/* RFC 8996: never below 1.2. RFC 7435: where nothing is believed, weak ciphers and keys are better than none at all. */
	bool ok = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	          SSL_CTX_set_cipher_list(ctx, trust == TLS_TRUST_ANY ? "DEFAULT:!aNULL:!eNULL:@SECLEVEL=0" : "DEFAULT:!aNULL:@SECLEVEL=1") == 1;
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, trust == TLS_TRUST_ANY ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	if (trust == TLS_TRUST_DANE) {
		ok = ok && SSL_CTX_dane_enable(ctx) == 1;
		/* RFC 7672 3.1.1: DANE-EE(3) binds the key; names in the certificate, and its dates, do not matter. */
		SSL_CTX_dane_set_flags(ctx, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	}
	if (ok)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

static void make_contexts(void)
{
	for (unsigned trust = TLS_TRUST_ANY; trust <= TLS_TRUST_DANE; trust++)
		contexts.by_trust[trust] = make_context((enum tls_trust)trust);
	SSL_CTX *pkix = contexts.by_trust[TLS_TRUST_PKIX];
	if (pkix && SSL_CTX_set_default_verify_paths(pkix) != 1) {
		SSL_CTX_free(pkix);
		contexts.by_trust[TLS_TRUST_PKIX] = NULL;
	}
}

static SSL *new_ssl(const struct tls_client_policy *p, int *error_out)
{
	*error_out = ERR_NO_MEMORY;
	if (p->trust != TLS_TRUST_PKIX || !p->ca_file) {
		pthread_once(&contexts.once, make_contexts);
		SSL_CTX *shared = contexts.by_trust[p->trust];
		return shared ? SSL_new(shared) : NULL;
	}
	SSL_CTX *own = make_context(TLS_TRUST_PKIX);
	bool loaded = own && SSL_CTX_load_verify_file(own, p->ca_file) == 1;
	SSL *ssl = loaded ? SSL_new(own) : NULL;
	SSL_CTX_free(own);
	if (own && !loaded)
		*error_out = ERR_CONFIG;
	return ssl;
}

/* ---- the policy ---- */

static int refuse(struct tls_client_result *out, int code, const char *failure, const char *detail)
{
	out->ok = false;
	out->failure = failure;
	snprintf(out->detail, sizeof(out->detail), "%s", detail);
	return code;
}

static bool name_c(struct str name, char text[DNS_NAME_MAX + 1])
{
	return dns_name_is_valid(name) && str_chr(name, '\0') == STR_NPOS && str_copy_c(text, DNS_NAME_MAX + 1, name);
}

static int set_names(SSL *ssl, const struct tls_client_policy *p, struct tls_client_result *out)
{
	char text[DNS_NAME_MAX + 1];
	struct net_addr ip;
	/* RFC 6066 3: no addresses */
	if (p->sni.n > 0 && !net_addr_parse(p->sni, 0, &ip) && (!name_c(p->sni, text) || SSL_set_tlsext_host_name(ssl, text) != 1))
		return refuse(out, ERR_INVALID, "validation-failure", "server name to send is no domain name");
	if (p->trust == TLS_TRUST_ANY)
		return 0;
	/* Without a name to compare, the library would be content with any. */
	if (p->n_names == 0)
		return refuse(out, ERR_INVALID, "validation-failure", "no name to verify");
	for (size_t i = 0; i < p->n_names; i++) {
		if (!name_c(p->names[i], text))
			return refuse(out, ERR_INVALID, "validation-failure", "name to verify is no domain name");
		int ok = i > 0 ? SSL_add1_host(ssl, text) : p->trust == TLS_TRUST_DANE ? SSL_dane_enable(ssl, text) : SSL_set1_host(ssl, text);
		if (ok != 1)
			return refuse(out, ERR_NO_MEMORY, "validation-failure", "out of memory");
	}
	/* RFC 6125 6.4.3 and 7672 3.2.3: a wildcard is a whole label. RFC 8461 4.1: DNS-IDs only; 7672 3.2.3 allows the CN for want of any. */
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | (p->trust == TLS_TRUST_PKIX ? X509_CHECK_FLAG_NEVER_CHECK_SUBJECT : 0));
	return 0;
}

bool stream_tlsa_usable(const struct dns_record *r)
{
	static const size_t digest_size[] = { 0, 32, 64 };        /* RFC 6698 2.1.3: the whole, SHA-256, SHA-512 */
	return (r->tlsa.usage == 2 || r->tlsa.usage == 3) && r->tlsa.selector <= 1 && r->tlsa.matching <= 2 && r->tlsa.data.n > 0 &&
	       (r->tlsa.matching == 0 || r->tlsa.data.n == digest_size[r->tlsa.matching]);
}

static int set_tlsa(SSL *ssl, const struct tls_client_policy *p, struct tls_client_result *out)
{
	size_t usable = 0;
	for (size_t i = 0; i < p->n_tlsa; i++) {
		const struct dns_record *r = &p->tlsa[i];
		if (stream_tlsa_usable(r) && SSL_dane_tlsa_add(ssl, r->tlsa.usage, r->tlsa.selector, r->tlsa.matching,
		                                               (const unsigned char *)r->tlsa.data.p, r->tlsa.data.n) == 1)
			usable++;
	}
	ERR_clear_error();
	return usable > 0 ? 0 : refuse(out, ERR_DENIED, "tlsa-invalid", "no usable TLSA record");
}

int tls_stream_create(int fd, const struct tls_client_policy *p, struct tls_conn **t_out, struct tls_client_result *out)
{
	int r;
	*t_out = NULL;
	SSL *ssl = new_ssl(p, &r);
	if (!ssl)
		return refuse(out, r, "validation-failure", r == ERR_CONFIG ? "the file of trusted authorities cannot be read" : "out of memory");
	r = set_names(ssl, p, out);
	if (r == 0 && p->trust == TLS_TRUST_DANE)
		r = set_tlsa(ssl, p, out);
	if (r < 0) {
		SSL_free(ssl);
		return r;
	}
	SSL_set_connect_state(ssl);
	r = tls_conn_wrap(ssl, fd, t_out);
	return r < 0 ? refuse(out, r, "validation-failure", "out of memory") : 0;
}

/* ---- the outcome ---- */

/* RFC 8460 4.3.1 */
static const char *failure_word(long verdict)
{
	switch (verdict) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID: return "certificate-expired";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH: return "certificate-host-mismatch";
	default: return "certificate-not-trusted";
	}
}

int tls_stream_outcome(const struct tls_conn *t, enum tls_io io, struct tls_client_result *out)
{
	const SSL *ssl = tls_conn_ssl(t);
	int lost = errno;
	memset(out, 0, sizeof(*out));
	if (io == TLS_OK) {
		out->ok = true;
		out->version = tls_conn_version(t);
		out->cipher = tls_conn_cipher(t);
		/* SSL_get0_peername is not for const, but changes nothing. */
		out->peer_name = str_from_c(SSL_get0_peername(tls_conn_ssl(t)));
		return 0;
	}
	long verdict = SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE ? X509_V_OK : SSL_get_verify_result(ssl);
	if (verdict != X509_V_OK)
		return refuse(out, ERR_DENIED, failure_word(verdict), X509_verify_cert_error_string(verdict));
	if (io == TLS_END)
		return refuse(out, ERR_CLOSED, "validation-failure", "the peer ended the connection within the handshake");
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	if (reason)
		return refuse(out, ERR_INVALID, "validation-failure", reason);
	return refuse(out, lost ? ERR_IO : ERR_CLOSED, "validation-failure", "connection lost within the handshake");
}
