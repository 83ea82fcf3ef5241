/* Writing: Content-Transfer-Encoding in the other direction, RFC 2045 6.7 and 6.8; names in header fields, RFC 2047. Pure; any thread. */
#ifndef CODEC_MIME_ENCODE_H
#define CODEC_MIME_ENCODE_H

#include "base/buf.h"
#include "base/str.h"

/* Lines of 76 characters, CRLF between them and none at the end. */
void mime_encode_base64(struct str in, struct buf *out);
/* Text: CRLF stays a line end; a CR or LF alone, blanks at the end of a line and everything that is not printable ASCII are
 * encoded. Lines of at most 76 characters. */
void mime_encode_quoted_printable(struct str in, struct buf *out);
/* A display name or other phrase (RFC 2047 5 (3)): plain words, a quoted string, or encoded words in UTF-8, folded between them.
 * Control characters become spaces; what is not UTF-8 becomes U+FFFD. */
void mime_encode_phrase(struct str text, struct buf *out);

#endif
