/* What tls_stream.c needs of tls_conn.c and nobody else may see. */
#ifndef RT_TLS_CONN_SSL_H
#define RT_TLS_CONN_SSL_H

#include "rt/tls_conn.h"

#include <openssl/ssl.h>

/* Puts the socket under ssl (NULL: out of memory), which belongs to the result, or is freed on failure. 0 or ERR_NO_MEMORY. */
int tls_conn_wrap(SSL *ssl, int fd, struct tls_conn **out);
SSL *tls_conn_ssl(const struct tls_conn *t);

#endif
