/* The one thing of a TLS context that tls_conn.c needs and nobody else may see. */
#ifndef RT_TLS_CONTEXT_SSL_H
#define RT_TLS_CONTEXT_SSL_H

#include "rt/tls.h"

#include <openssl/ssl.h>

SSL *tls_context_new_ssl(struct tls_context *t);       /* NULL: out of memory. The context must outlive it. */
/* Answers "acme-tls/1" on this context (tls_challenge.c). */
void tls_challenges_offer(struct tls_challenges *t, SSL_CTX *ctx);

#endif
