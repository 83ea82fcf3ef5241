/* Requests and certificates as bytes. Private. */
#ifndef ACME_CERTIFICATE_H
#define ACME_CERTIFICATE_H

#include "acme/acme.h"

/* A request for the names (DER) and its key (PEM): the first one in `key_pem`, or a new P-256 key where that is empty. ERR_INVALID: a name, or no key. */
int certificate_request(const struct str *names, size_t n, struct str key_pem, struct buf *key_pem_out, struct buf *der_out);

#endif
