/* The Sender Rewriting Scheme: who forwards a message to another host puts an address of its own into the reverse-path, so that SPF still holds (RFC
 * 7208 10.3) and bounces find back. SRS0=HASH=DAY=DOMAIN=LOCAL@ours for others' addresses, SRS1=HASH=FIRST=...@ours for what is SRS already, so
 * that it does not grow with each hop. As in libsrs2 and postsrsd: HMAC-SHA-1 in base64, cut; two letters of base32 for the day. Pure; any thread. */
#ifndef CODEC_SMTP_SRS_H
#define CODEC_SMTP_SRS_H

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

#define SRS_HASH_SIZE 6                /* letters; compared without case, since mailers fold it: some 31 bits */
#define SRS_DAYS_MAX 21                /* how long after the message its bounces may come */
#define SRS_MAC_SIZE 20

struct srs {
	struct str domain;                 /* ours, that bounces come to */
	struct str key;
	/* HMAC-SHA-1: crypto_hmac_sha1 of rt; 0 or an error. */
	int (*mac)(struct str key, struct str s, uint8_t out[SRS_MAC_SIZE]);
};

/* sender: a reverse-path without brackets. Appends the rewritten one. 0; ERR_INVALID: no address; ERR_TOO_BIG: the local part would be longer than
 * SMTP_LOCAL_MAX; what mac said. */
int srs_forward(const struct srs *s, struct str sender, int64_t now, struct buf *out);
/* recipient: local@domain, the domain being ours. Appends the address that a bounce is to go on to: of an SRS1 address, an SRS0 address of the first
 * forwarder. 0; ERR_NOT_FOUND: it is no SRS address; ERR_DENIED: not made by us, or too old. */
int srs_reverse(const struct srs *s, struct str recipient, int64_t now, struct buf *out);

#endif
