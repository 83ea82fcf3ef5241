/* Makes an 8bit or binary message 7bit, for a server without 8BITMIME or BINARYMIME: RFC 6152 3, RFC 3030 3. Leaves are encoded, labels
 * corrected; structure and header text stay. Pure; any thread. */
#ifndef CODEC_MIME_DOWNGRADE_H
#define CODEC_MIME_DOWNGRADE_H

#include "base/buf.h"
#include "base/str.h"

/* Appends the message that takes its place. 0; ERR_UNSUPPORTED: it cannot be (*why_out says what is in the way: octets over 127 in a header, a signed
 * part that would no longer verify ...; static); ERR_TOO_BIG, ERR_NO_MEMORY. */
int mime_downgrade(struct str message, struct buf *out, const char **why_out);

#endif
