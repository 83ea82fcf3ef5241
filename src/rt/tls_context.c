#include "rt/tls.h"

#include "base/clock.h"
#include "rt/crypto.h"
#include "rt/limits.h"
#include "rt/tls_context_ssl.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

/* Forward secrecy and authenticated encryption only. */
#define TLS12_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define TLS_GROUPS "X25519:P-256:P-384"
#define TICKET_KEYS_SIZE 80         /* name, MAC key and encryption key, as OpenSSL 3 wants them */

struct tls_context {
	_Atomic unsigned refs;
	size_t count;
	SSL_CTX *identity[];            /* the first is the default */
};

/* Process-wide by contract: a reload must not make the tickets of running clients worthless. */
static struct {
	pthread_once_t once;
	uint8_t bytes[TICKET_KEYS_SIZE];
} ticket_keys = { .once = PTHREAD_ONCE_INIT };

static void make_ticket_keys(void) { crypto_random(ticket_keys.bytes, sizeof(ticket_keys.bytes)); }

static int fail(struct err *e, int code, const char *what, const char *which)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	err_set(e, code, NULL, "%s %s: %s", what, which, reason ? reason : "no reason given");
	ERR_clear_error();
	return code;
}

static bool has_name(SSL_CTX *ctx, const char *name)
{
	X509 *leaf = SSL_CTX_get0_certificate(ctx);
	return leaf && X509_check_host(leaf, name, 0, 0, NULL) == 1;
}

/* RFC 6066 3: an unknown name gets the default certificate, since mail clients seldom check what they ask for. */
static int choose_identity(SSL *ssl, int *alert, void *arg)
{
	struct tls_context *t = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	(void)alert;
	for (size_t i = 0; name && i < t->count; i++) {
		if (!has_name(t->identity[i], name))
			continue;
		SSL_set_SSL_CTX(ssl, t->identity[i]);
		break;
	}
	return SSL_TLSEXT_ERR_OK;
}

static void set_behaviour(SSL_CTX *ctx, struct tls_context *t)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	                             SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CLEANSE_PLAINTEXT);
	/* Buffers live only while they hold something: an idle connection must be small. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	/* Resumption by tickets alone; no memory here for sessions of clients that are gone. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	pthread_once(&ticket_keys.once, make_ticket_keys);
	SSL_CTX_set_tlsext_ticket_keys(ctx, ticket_keys.bytes, sizeof(ticket_keys.bytes));
	SSL_CTX_set_tlsext_servername_callback(ctx, choose_identity);
	SSL_CTX_set_tlsext_servername_arg(ctx, t);
}

static int set_policy(SSL_CTX *ctx, const struct tls_options *o, struct err *e)
{
	struct str version = str_from_c(o->min_version ? o->min_version : "1.2");
	const char *ciphers = o->ciphers ? o->ciphers : TLS12_CIPHERS;
	/* RFC 8996: 1.0 and 1.1 must not be used. */
	int lowest = str_eq(version, STR("1.3")) ? TLS1_3_VERSION : TLS1_2_VERSION;
	if (lowest == TLS1_2_VERSION && !str_eq(version, STR("1.2")))
		return err_set(e, ERR_CONFIG, NULL, "TLS version %s: only 1.2 and 1.3 are known", o->min_version);
	SSL_CTX_set_min_proto_version(ctx, lowest);
	if (SSL_CTX_set_cipher_list(ctx, ciphers) != 1)
		return fail(e, ERR_CONFIG, "TLS ciphers", ciphers);
	char groups[] = TLS_GROUPS;           /* OpenSSL's macro takes a char * */
	if (SSL_CTX_set1_groups_list(ctx, groups) != 1)
		return fail(e, ERR_UNSUPPORTED, "TLS groups", TLS_GROUPS);
	return 0;
}

/* A bad certificate does not end the handshake: the client may log in by other means. SSL_get_verify_result remembers. */
static int take_any(int ok, X509_STORE_CTX *store)
{
	(void)ok, (void)store;
	return 1;
}

static int digest_file(const char *path, uint8_t digest[CRYPTO_SHA256_SIZE])
{
	char some[4096];
	struct crypto_sha256 h;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ERR_IO;
	int r = crypto_sha256_begin(&h);
	while (r == 0 && (n = read(fd, some, sizeof(some))) != 0) {
		if (n < 0)
			r = ERR_IO;
		else
			crypto_sha256_add(&h, some, (size_t)n);
	}
	int ended = crypto_sha256_end(&h, digest);
	close(fd);
	return r ? r : ended;
}

/* A ticket holds what was found of the client's certificate, and who comes with one shows none: it must not outlive the authorities by which that was found. */
static int name_sessions(SSL_CTX *ctx, const char *client_ca)
{
	uint8_t name[CRYPTO_SHA256_SIZE] = "troika";
	_Static_assert(CRYPTO_SHA256_SIZE <= SSL_MAX_SID_CTX_LENGTH, "it is the name of a session's context");
	int r = client_ca ? digest_file(client_ca, name) : 0;
	return r == 0 && SSL_CTX_set_session_id_context(ctx, name, sizeof(name)) != 1 ? ERR_UNSUPPORTED : r;
}

static int ask_clients(SSL_CTX *ctx, const struct tls_options *o, struct err *e)
{
	const char *client_ca = o->client_ca && *o->client_ca ? o->client_ca : NULL;
	if (name_sessions(ctx, client_ca) < 0)
		return err_set(e, ERR_CONFIG, NULL, "client_ca %s cannot be read", client_ca ? client_ca : "");
	if (!client_ca)
		return 0;
	ERR_clear_error();
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(o->client_ca);
	if (!names || SSL_CTX_load_verify_locations(ctx, o->client_ca, NULL) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return fail(e, ERR_CONFIG, "client_ca", o->client_ca);
	}
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, take_any);
	return 0;
}

/* The library's default asks on the terminal. */
static int no_passphrase(char *p, int size, int writing, void *arg)
{
	(void)p, (void)size, (void)writing, (void)arg;
	return -1;
}

static int load_identity(SSL_CTX *ctx, const struct tls_identity *id, struct err *e)
{
	ERR_clear_error();
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_use_certificate_chain_file(ctx, id->cert_file) != 1)
		return fail(e, ERR_CONFIG, "certificate", id->cert_file);
	if (SSL_CTX_use_PrivateKey_file(ctx, id->key_file, SSL_FILETYPE_PEM) != 1)
		return fail(e, ERR_CONFIG, "key", id->key_file);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return fail(e, ERR_CONFIG, "key does not belong to the certificate:", id->key_file);
	return 0;
}

static int add_identity(struct tls_context *t, const struct tls_options *o, const struct tls_identity *id, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx)
		return err_set(e, ERR_NO_MEMORY, NULL, "TLS context");
	t->identity[t->count++] = ctx;
	set_behaviour(ctx, t);
	if (o->challenges)
		tls_challenges_offer(o->challenges, ctx);
	int r = set_policy(ctx, o, e);
	if (r == 0)
		r = ask_clients(ctx, o, e);
	return r < 0 ? r : load_identity(ctx, id, e);
}

int tls_context_create(const struct tls_options *o, struct tls_context **out, struct err *e)
{
	*out = NULL;
	if (o->n_identities == 0)
		return err_set(e, ERR_CONFIG, NULL, "no certificate given");
	struct tls_context *t = calloc(1, sizeof(*t) + o->n_identities * sizeof(SSL_CTX *));
	if (!t)
		return err_set(e, ERR_NO_MEMORY, NULL, "TLS context");
	atomic_init(&t->refs, 1);
	for (size_t i = 0; i < o->n_identities; i++) {
		int r = add_identity(t, o, &o->identities[i], e);
		if (r < 0) {
			tls_context_unref(&t);
			return r;
		}
	}
	*out = t;
	return 0;
}

void tls_context_ref(struct tls_context *t) { atomic_fetch_add(&t->refs, 1); }

void tls_context_unref(struct tls_context **t)
{
	struct tls_context *gone = *t;
	*t = NULL;
	if (!gone || atomic_fetch_sub(&gone->refs, 1) != 1)
		return;
	for (size_t i = 0; i < gone->count; i++)
		SSL_CTX_free(gone->identity[i]);
	free(gone);
}

static int64_t expires(SSL_CTX *ctx)
{
	X509 *leaf = SSL_CTX_get0_certificate(ctx);
	struct tm tm;
	if (!leaf || ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm) != 1)
		return 0;
	struct civil c = { .year = tm.tm_year + 1900, .month = tm.tm_mon + 1, .day = tm.tm_mday, .hour = tm.tm_hour, .minute = tm.tm_min, .second = tm.tm_sec };
	return civil_to_unix(&c);
}

int64_t tls_context_expires(const struct tls_context *t)
{
	int64_t first = 0;
	for (size_t i = 0; i < t->count; i++) {
		int64_t when = expires(t->identity[i]);
		if (when > 0 && (first == 0 || when < first))
			first = when;
	}
	return first;
}

SSL *tls_context_new_ssl(struct tls_context *t) { return SSL_new(t->identity[0]); }
