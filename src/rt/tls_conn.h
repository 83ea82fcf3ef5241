/* One TLS connection on a non-blocking socket: the server side, or by tls_stream.h the client's. One thread at a time. The only other files that know
 * OpenSSL are tls_*.c and crypto.c. */
#ifndef RT_TLS_CONN_H
#define RT_TLS_CONN_H

#include "base/buf.h"
#include "base/str.h"
#include "rt/tls.h"

#include <stdbool.h>
#include <stddef.h>

struct tls_conn;

/* TLS_WANT_READ and TLS_WANT_WRITE: nothing was done; come again when the socket can. TLS_END: the peer has ended the
 * stream. TLS_FAILED: broken; nothing but destroy is sensible. */
enum tls_io { TLS_OK, TLS_WANT_READ, TLS_WANT_WRITE, TLS_END, TLS_FAILED };

/* The socket stays the caller's. Takes a reference to the context. 0 or ERR_NO_MEMORY. */
int tls_conn_create(struct tls_context *context, int fd, struct tls_conn **out);
void tls_conn_destroy(struct tls_conn **t);            /* accepts NULL */

enum tls_io tls_conn_handshake(struct tls_conn *t);
/* At least one byte with TLS_OK, as many as there are up to n. */
enum tls_io tls_conn_read(struct tls_conn *t, void *p, size_t n, size_t *n_out);
/* After a read: there may be more (or the end) without news from the socket. */
bool tls_conn_has_more(const struct tls_conn *t);
/* One record at most. After TLS_WANT_* the same bytes must come again (maybe from another place, maybe more of them). */
enum tls_io tls_conn_write(struct tls_conn *t, const void *p, size_t n, size_t *n_out);
/* Says goodbye if the socket takes it at once. */
void tls_conn_end(struct tls_conn *t);
/* After TLS_FAILED: was it TLS itself (nonsense from the peer, an alert, no memory), and not that the peer is gone? */
bool tls_conn_is_broken(const struct tls_conn *t);
/* Why TLS_FAILED, in a few words; static or until the next call on t. */
const char *tls_conn_failure(const struct tls_conn *t);

struct str tls_conn_version(const struct tls_conn *t);
struct str tls_conn_cipher(const struct tls_conn *t);
struct str tls_conn_server_name(const struct tls_conn *t);
/* The i-th mail address in the client's certificate, when that is good: appends to out. 0 or ERR_NOT_FOUND. */
int tls_conn_client_address(struct tls_conn *t, unsigned i, struct buf *out);
int tls_conn_exporter(struct tls_conn *t, struct buf *out);       /* RFC 9266; 0 or ERR_UNSUPPORTED */
int tls_conn_end_point(struct tls_conn *t, struct buf *out);      /* RFC 5929 4; the same */

#endif
