#include "rt/tls_conn.h"

#include "base/err.h"
#include "rt/fault.h"
#include "rt/tls_conn_ssl.h"
#include "rt/tls_context_ssl.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sys/socket.h>

struct tls_conn {
	SSL *ssl;
	struct tls_context *context;    /* the server name callback refers to it; NULL: a client */
	int fd;
	bool drained;                   /* the socket gave less than asked for: reading again would only say EAGAIN */
	bool has_more;
	int gone;                       /* after TLS_FAILED: errno, when that says that the peer is gone; 0 */
};

/* ---- the socket as OpenSSL sees it ----
 * Its own socket BIO writes with write(2), which may raise SIGPIPE, and reads once more than needed for every record. */

static int wire_read(BIO *bio, char *p, int n)
{
	struct tls_conn *t = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (t->drained) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (fault_hit("rt.short_io"))
		n = 1;
	ssize_t got = recv(t->fd, p, (size_t)n, MSG_DONTWAIT);
	if (got > 0) {
		t->drained = got < n;
		return (int)got;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		t->drained = errno == EAGAIN;
		BIO_set_retry_read(bio);
	}
	return (int)got;
}

static int wire_write(BIO *bio, const char *p, int n)
{
	struct tls_conn *t = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (fault_hit("rt.short_io"))
		n = 1;
	ssize_t done = send(t->fd, p, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (done < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)done;
}

static long wire_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH;
}

/* Process-wide: OpenSSL counts methods in a table of its own, so there is one. */
static struct {
	pthread_once_t once;
	BIO_METHOD *method;
} wire = { .once = PTHREAD_ONCE_INIT };

static void make_wire_method(void)
{
	wire.method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "troika socket");
	if (!wire.method)
		return;
	BIO_meth_set_read(wire.method, wire_read);
	BIO_meth_set_write(wire.method, wire_write);
	BIO_meth_set_ctrl(wire.method, wire_ctrl);
}

int tls_conn_wrap(SSL *ssl, int fd, struct tls_conn **out)
{
	pthread_once(&wire.once, make_wire_method);
	*out = NULL;
	struct tls_conn *t = calloc(1, sizeof(*t));
	BIO *bio = wire.method ? BIO_new(wire.method) : NULL;
	if (!t || !bio || !ssl) {
		free(t);
		BIO_free(bio);
		SSL_free(ssl);
		return ERR_NO_MEMORY;
	}
	t->ssl = ssl;
	t->fd = fd;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	*out = t;
	return 0;
}

SSL *tls_conn_ssl(const struct tls_conn *t) { return t->ssl; }

int tls_conn_create(struct tls_context *context, int fd, struct tls_conn **out)
{
	int r = tls_conn_wrap(tls_context_new_ssl(context), fd, out);
	if (r < 0)
		return r;
	(*out)->context = context;
	tls_context_ref(context);
	SSL_set_accept_state((*out)->ssl);
	return 0;
}

void tls_conn_destroy(struct tls_conn **t)
{
	if (!*t)
		return;
	SSL_free((*t)->ssl);
	tls_context_unref(&(*t)->context);
	free(*t);
	*t = NULL;
}

/* ---- input and output ---- */

static void io_begin(struct tls_conn *t)
{
	t->drained = false;
	ERR_clear_error();
	errno = 0;
}

static enum tls_io io_result(struct tls_conn *t, int ok)
{
	if (ok == 1)
		return TLS_OK;
	switch (SSL_get_error(t->ssl, ok)) {
	case SSL_ERROR_WANT_READ: return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE: return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN: return TLS_END;
	default: break;
	}
	t->gone = errno == EAGAIN || errno == ENOMEM ? 0 : errno;
	return TLS_FAILED;
}

enum tls_io tls_conn_handshake(struct tls_conn *t)
{
	io_begin(t);
	return io_result(t, SSL_do_handshake(t->ssl));
}

enum tls_io tls_conn_read(struct tls_conn *t, void *p, size_t n, size_t *n_out)
{
	io_begin(t);
	*n_out = 0;
	enum tls_io io = TLS_OK;
	while (*n_out < n && io == TLS_OK) {
		size_t got = 0;
		io = io_result(t, SSL_read_ex(t->ssl, (char *)p + *n_out, n - *n_out, &got));
		*n_out += got;
	}
	t->has_more = io != TLS_WANT_READ;
	return *n_out > 0 ? TLS_OK : io;
}

bool tls_conn_has_more(const struct tls_conn *t) { return t->has_more; }

enum tls_io tls_conn_write(struct tls_conn *t, const void *p, size_t n, size_t *n_out)
{
	io_begin(t);
	*n_out = 0;
	return io_result(t, SSL_write_ex(t->ssl, p, n, n_out));
}

void tls_conn_end(struct tls_conn *t)
{
	io_begin(t);
	SSL_shutdown(t->ssl);
	ERR_clear_error();
}

bool tls_conn_is_broken(const struct tls_conn *t)
{
	/* Out of memory OpenSSL may be unable to say so: then there is no error at all. */
	return ERR_GET_REASON(ERR_peek_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING && t->gone == 0;
}

const char *tls_conn_failure(const struct tls_conn *t)
{
	(void)t;
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	return reason ? reason : "connection lost";
}

/* ---- what was agreed ---- */

struct str tls_conn_version(const struct tls_conn *t) { return str_from_c(SSL_get_version(t->ssl)); }
struct str tls_conn_cipher(const struct tls_conn *t) { return str_from_c(SSL_get_cipher_name(t->ssl)); }

struct str tls_conn_server_name(const struct tls_conn *t)
{
	return str_from_c(SSL_get_servername(t->ssl, TLSEXT_NAMETYPE_host_name));
}

int tls_conn_exporter(struct tls_conn *t, struct buf *out)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	uint8_t binding[32];
	/* RFC 9266 4.2: TLS 1.2 only with the extended master secret (RFC 7627). */
	if (SSL_version(t->ssl) < TLS1_3_VERSION && SSL_get_extms_support(t->ssl) != 1)
		return ERR_UNSUPPORTED;
	/* RFC 9266 2: the context is the zero-length string; in TLS 1.2 that is not the same as none. */
	if (SSL_export_keying_material(t->ssl, binding, sizeof(binding), label, sizeof(label) - 1, (const uint8_t *)"", 0, 1) != 1)
		return ERR_UNSUPPORTED;
	buf_add(out, binding, sizeof(binding));
	return 0;
}

int tls_conn_end_point(struct tls_conn *t, struct buf *out)
{
	X509 *leaf = SSL_get_certificate(t->ssl);
	int digest_nid = NID_undef;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	if (!leaf || OBJ_find_sigid_algs(X509_get_signature_nid(leaf), &digest_nid, NULL) != 1)
		return ERR_UNSUPPORTED;
	/* RFC 5929 4.1: the hash of the signature, but SHA-256 in place of MD5 and SHA-1; undefined without a single hash. */
	if (digest_nid == NID_md5 || digest_nid == NID_sha1)
		digest_nid = NID_sha256;
	const EVP_MD *type = EVP_get_digestbynid(digest_nid);
	if (!type || X509_digest(leaf, type, digest, &n) != 1)
		return ERR_UNSUPPORTED;
	buf_add(out, digest, n);
	return 0;
}

/* subjectAltName rfc822Name, RFC 5280 4.2.1.6. The subject's emailAddress is not looked at (the same section deprecates it). */
int tls_conn_client_address(struct tls_conn *t, unsigned i, struct buf *out)
{
	X509 *leaf = SSL_get0_peer_certificate(t->ssl);
	if (!leaf || SSL_get_verify_result(t->ssl) != X509_V_OK)
		return ERR_NOT_FOUND;
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	int code = ERR_NOT_FOUND;
	for (int k = 0; code && k < sk_GENERAL_NAME_num(names); k++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, k);
		if (name->type != GEN_EMAIL || i-- > 0)
			continue;
		struct str address = str_make((const char *)ASN1_STRING_get0_data(name->d.rfc822Name), (size_t)ASN1_STRING_length(name->d.rfc822Name));
		if (str_chr(address, '\0') != STR_NPOS)
			break;
		buf_add_str(out, address);
		code = 0;
	}
	GENERAL_NAMES_free(names);
	return code;
}
