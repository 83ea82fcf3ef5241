/* The one thing of a TLS context that tls_conn.c needs and nobody else may see. */
#ifndef RT_TLS_CONTEXT_SSL_H
#define RT_TLS_CONTEXT_SSL_H

#include "rt/tls.h"

#include <openssl/ssl.h>

SSL *tls_context_new_ssl(struct tls_context *t);       /* NULL: out of memory. The context must outlive it. */

#endif
