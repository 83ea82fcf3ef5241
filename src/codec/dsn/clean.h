/* What others wrote, made fit for a line of ours. For codec/dsn only. */
#ifndef CODEC_DSN_CLEAN_H
#define CODEC_DSN_CLEAN_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

/* One line: runs of line ends, blanks and control characters become one space; what is not UTF-8 (or, without utf8, not ASCII) becomes '?'; cut
 * to max bytes with "...". Nothing at the ends. */
void dsn_clean(struct str s, bool utf8, size_t max, struct buf *out);
/* "Name: value" folded before 78 octets where there are blanks, and before 998 in any case (RFC 5322 2.1.1), with CRLF. The value is clean. */
void dsn_add_field(struct buf *out, const char *name, struct str value);
/* Text of people, indented by so many spaces, wrapped at 76 columns where there are blanks. The text is clean. */
void dsn_add_wrapped(struct buf *out, unsigned indent, struct str text);

/* RFC 6533 3: utf-8-enc-addr to utf-8-address: "\x{444}" becomes the character. False, nothing added: malformed, or no valid UTF-8. */
bool dsn_unitext_decode(struct str s, struct buf *out);

#endif
