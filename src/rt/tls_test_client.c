#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/local_socket.h"
#include "rt/test_server.h"

#include "base/base64.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

struct client {
	int fd;
	SSL *ssl;
	char in[4096];
	size_t at, n;
	char line[4096];
};

struct client *client_open(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	struct client *c = calloc(1, sizeof(*c));
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(c->fd >= 0);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return c;
}

struct client *client_open_local(const char *path)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	struct client *c = calloc(1, sizeof(*c));
	c->fd = local_socket_connect(path);
	assert_true(c->fd >= 0);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return c;
}

bool client_start_tls(struct client *c, int version, const char *server_name, void *session)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	/* Old versions are refused by the client's own security level too; the server is to be the one that refuses. */
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	c->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_fd(c->ssl, c->fd);
	if (server_name)
		SSL_set_tlsext_host_name(c->ssl, server_name);
	if (session)
		SSL_set_session(c->ssl, session);
	int r = SSL_connect(c->ssl);
	if (r != 1 && SSL_get_error(c->ssl, r) == SSL_ERROR_WANT_READ)
		fail_msg("no handshake in %d s", PATIENCE_S);
	return r == 1;
}

void client_close(struct client **c)
{
	if ((*c)->ssl && SSL_is_init_finished((*c)->ssl))
		SSL_shutdown((*c)->ssl);
	SSL_free((*c)->ssl);
	close((*c)->fd);
	free(*c);
	*c = NULL;
}

void client_half_close(struct client *c) { shutdown(c->fd, SHUT_WR); }
int client_fd(struct client *c) { return c->fd; }

void client_take_little(struct client *c)
{
	int bytes = 64 << 10;
	assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
}

void client_send_bytes(struct client *c, const void *p, size_t n)
{
	const char *at = p;
	while (n > 0) {
		ssize_t done = c->ssl ? SSL_write(c->ssl, at, n > 16384 ? 16384 : (int)n) : send(c->fd, at, n, MSG_NOSIGNAL);
		assert_true(done > 0);
		at += done;
		n -= (size_t)done;
	}
}

void client_send(struct client *c, const char *text) { client_send_bytes(c, text, strlen(text)); }

static bool fill(struct client *c)
{
	ssize_t n = c->ssl ? SSL_read(c->ssl, c->in, sizeof(c->in)) : recv(c->fd, c->in, sizeof(c->in), 0);
	if (c->ssl ? n <= 0 && SSL_get_error(c->ssl, (int)n) == SSL_ERROR_WANT_READ : n < 0 && errno == EAGAIN)
		fail_msg("nothing came for %d s", PATIENCE_S);
	c->at = 0;
	c->n = n > 0 ? (size_t)n : 0;
	return n > 0;
}

const char *client_line(struct client *c)
{
	size_t n = 0;
	for (;;) {
		if (c->at == c->n && !fill(c))
			return NULL;
		char byte = c->in[c->at++];
		if (byte == '\n')
			break;
		assert_true(n < sizeof(c->line) - 1);
		c->line[n++] = byte;
	}
	if (n > 0 && c->line[n - 1] == '\r')
		n--;
	c->line[n] = '\0';
	return c->line;
}

void client_expect(struct client *c, const char *line)
{
	const char *got = client_line(c);
	assert_string_equal(got ? got : "(end of stream)", line);
}

void client_expect_end(struct client *c) { assert_null(client_line(c)); }

void client_expect_run(struct client *c, size_t n, char byte)
{
	for (; n > 0; n--) {
		if (c->at == c->n)
			assert_true(fill(c));
		if (c->in[c->at++] != byte)        /* a call for each of millions takes its time */
			fail_msg("0x%02x, not 0x%02x, where %zu are left", (unsigned char)c->in[c->at - 1], (unsigned char)byte, n);
	}
}

bool client_resumed(struct client *c) { return SSL_session_reused(c->ssl); }
void *client_session(struct client *c) { return SSL_get1_session(c->ssl); }
void client_session_free(void *session) { SSL_SESSION_free(session); }

void client_common_name(struct client *c, char *out, size_t size)
{
	X509 *leaf = SSL_get0_peer_certificate(c->ssl);
	X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, out, (int)size);
}

void client_bindings(struct client *c, struct buf *out)
{
	uint8_t exporter[32], end_point[32];
	unsigned n = 0;
	const char *label = "EXPORTER-Channel-Binding";
	assert_int_equal(SSL_export_keying_material(c->ssl, exporter, 32, label, strlen(label), (const uint8_t *)"", 0, 1), 1);
	assert_int_equal(X509_digest(SSL_get0_peer_certificate(c->ssl), EVP_sha256(), end_point, &n), 1);
	hex_encode(out, str_make(exporter, 32));
	buf_add_char(out, ' ');
	hex_encode(out, str_make(end_point, n));
}

struct tls_identity test_identity(const char *names)
{
	char *dir = strdup("/tmp/troika-rt-test.XXXXXX"), *cert = NULL, *key = NULL;
	struct str list[8] = { STR_NONE }, rest = str_from_c(names);
	size_t n = 0;
	struct err e;
	assert_non_null(mkdtemp(dir));
	assert_true(asprintf(&cert, "%s/cert.pem", dir) > 0 && asprintf(&key, "%s/key.pem", dir) > 0);
	while (rest.n > 0)
		str_cut(rest, ' ', &list[n++], &rest);
	if (tls_self_signed(list, n, 30, cert, key, &e) < 0)
		fail_msg("%s", e.log);
	free(dir);
	return (struct tls_identity){ cert, key };
}

void test_identity_remove(struct tls_identity *id)
{
	char *cert = (char *)(uintptr_t)id->cert_file, *key = (char *)(uintptr_t)id->key_file;
	unlink(cert);
	unlink(key);
	*strrchr(cert, '/') = '\0';
	rmdir(cert);
	free(cert);
	free(key);
}
