/* What stands in certificates, for those who tell the world about it. Certificates are DER. Any thread. */
#ifndef RT_TLS_CERTIFICATE_H
#define RT_TLS_CERTIFICATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/* The certificates of a PEM file in their order, so the leaf first; keys in it are passed over. Results in the arena. ERR_INVALID: there is none;
 * ERR_NOT_FOUND, ERR_DENIED, ERR_IO: the file cannot be read. */
int tls_certificates_read(const char *file, struct arena *a, struct str **out, size_t *n_out, struct err *e);
/* Was it made for this host (RFC 6125 6.4)? Also what the server chooses by. */
bool tls_certificate_is_for(struct str der, struct str host);
/* What a TLSA record that names this certificate holds: selector 0 (all of it) or 1 (its public key), matching 0 (itself), 1 (SHA-256) or 2 (SHA-512):
 * RFC 6698 2.1.2, 2.1.3. Appends. ERR_INVALID (no certificate, another number), ERR_NO_MEMORY. */
int tls_tlsa_data(struct str der, unsigned selector, unsigned matching, struct buf *out);

#endif
