/* Requests and certificates as bytes. Private. */
#ifndef ACME_CERTIFICATE_H
#define ACME_CERTIFICATE_H

#include "acme/acme.h"

/* A new P-256 key (PEM) and a request for the names (DER). */
int certificate_request(const struct str *names, size_t n, struct buf *key_pem_out, struct buf *der_out);

#endif
