/* The client side of TLS: what a policy asks, told to OpenSSL, and what came of it. Any thread. Process-wide: one SSL_CTX for each
 * kind of trust, made at first use. */
#ifndef RT_TLS_STREAM_H
#define RT_TLS_STREAM_H

#include "rt/stream.h"
#include "rt/tls_conn.h"

/* A connection ready for tls_conn_handshake. On failure out->failure and detail say why: ERR_DENIED (no usable TLSA record),
 * ERR_INVALID (no name, or what is none), ERR_CONFIG (ca_file), ERR_NO_MEMORY. */
int tls_stream_create(int fd, const struct tls_client_policy *p, struct tls_conn **t_out, struct tls_client_result *out);
/* How the handshake ended, io being its last word: 0, ERR_DENIED, ERR_CLOSED, ERR_IO or ERR_INVALID; all of out is set. */
int tls_stream_outcome(const struct tls_conn *t, enum tls_io io, struct tls_client_result *out);

#endif
