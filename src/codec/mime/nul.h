/* A message with NUL, as a literal8 can bring it (RFC 3516 4.4), in a form that everybody can read: RFC 3516 6 wants BODY and BODYSTRUCTURE to be
 * as if it were encoded, and a message with NUL is no message to POP3 and SMTP (RFC 5322 4). Pure; any thread. */
#ifndef CODEC_MIME_NUL_H
#define CODEC_MIME_NUL_H

#include "base/buf.h"
#include "base/str.h"

/* Appends the message with every leaf that holds NUL in base64 and labelled so; all else stays as it is, octet for octet. 0;
 * ERR_UNSUPPORTED: a NUL stands where no encoding is possible (*why_out says where; static); ERR_TOO_BIG, ERR_NO_MEMORY. */
int mime_nul_encode(struct str message, struct buf *out, const char **why_out);

#endif
