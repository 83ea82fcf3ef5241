/* Mailbox names in modified UTF-7: RFC 3501 5.1.3. Any thread. */
#ifndef CODEC_IMAP_MUTF7_H
#define CODEC_IMAP_MUTF7_H

#include "base/buf.h"
#include "base/str.h"

/* Strict: what is not the one right encoding of a name is refused (bytes over 127, ASCII in base64, adjacent base64
 * runs, unfinished runs, stray bits, lone surrogates), so that one mailbox has one name. 0 or ERR_INVALID (out is then
 * unchanged). */
int imap_mutf7_decode(struct str name, struct buf *out);
/* name is valid UTF-8. */
void imap_mutf7_encode(struct str name, struct buf *out);

#endif
