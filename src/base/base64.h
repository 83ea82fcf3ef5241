/* Base64 of RFC 4648 section 4, and hexadecimal. Any thread. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"
#include "base/str.h"

void base64_encode(struct buf *b, struct str s);
/* Strict: padding required, no white space, no stray bits. 0 or ERR_INVALID (b then unchanged). */
int base64_decode(struct buf *b, struct str s);
/* RFC 4648 section 5, without padding; decoding takes padding too. */
void base64url_encode(struct buf *b, struct str s);
int base64url_decode(struct buf *b, struct str s);     /* 0, ERR_INVALID, ERR_NO_MEMORY */
void hex_encode(struct buf *b, struct str s);     /* lower case */
int hex_decode(struct buf *b, struct str s);      /* 0 or ERR_INVALID */

#endif
