/* Writing what servers say: RFC 3501 and RFC 9051 section 9. Any thread. All append to a struct buf, which remembers when it
 * ran over; nothing else can fail but reading a damaged summary.
 *
 * `utf8` means: the client enabled UTF8=ACCEPT (RFC 9755), so that quoted strings may hold UTF-8 and mailbox names are UTF-8. */
#ifndef CODEC_IMAP_FORMAT_H
#define CODEC_IMAP_FORMAT_H

#include "base/buf.h"
#include "base/str.h"
#include "codec/mime/summary.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- strings ---- */

/* quoted when it can be, else a literal. A string with NUL becomes a literal8 ("~{n}"). */
void imap_format_string(struct buf *out, struct str s, bool utf8);
void imap_format_nstring(struct buf *out, struct str s, bool utf8);   /* p == NULL: NIL */
void imap_format_astring(struct buf *out, struct str s, bool utf8);   /* an atom when it can be one */
void imap_format_literal(struct buf *out, struct str s);              /* "{n}" CRLF and the bytes */
/* A mailbox name given in UTF-8: modified UTF-7 unless utf8, then as an astring. */
void imap_format_mailbox(struct buf *out, struct str name, bool utf8);
/* Human-readable text of a response (resp-text): what may not stand there becomes "?". */
void imap_format_text(struct buf *out, struct str s);

/* ---- message attributes ---- */

/* "(\Seen \Recent $Forwarded)": bits of enum imap_flag; bit IMAP_KEYWORD_SHIFT + i is keyword[i]. */
void imap_format_flags(struct buf *out, uint64_t flags, bool recent, const struct str *keyword, unsigned keyword_count);
/* "\"17-Jul-1996 02:44:25 +0000\"", in UTC. */
void imap_format_internaldate(struct buf *out, int64_t unix_seconds);
/* RFC 9051 7.5.2. */
void imap_format_envelope(struct buf *out, const struct mime_envelope *e, bool utf8);
/* ENVELOPE, BODY (extended == false) and BODYSTRUCTURE of a summary. 0 or ERR_CORRUPT (then out has a part of it: cut it back). */
int imap_format_summary_envelope(struct buf *out, const struct mime_summary *s, bool utf8);
int imap_format_body(struct buf *out, const struct mime_summary *s, bool extended, bool utf8);
/* BODYPARTSTRUCTURE of RFC 5524: `body` of one part, or of the message (no path). What of a leaf is sent without its encoding has an identity encoding,
 * and these octets and lines (decoded != NULL). 0, ERR_NOT_FOUND or ERR_CORRUPT. */
struct imap_decoded_size { uint64_t octets, lines; };
int imap_format_body_part(struct buf *out, const struct mime_summary *s, const uint32_t *path, size_t path_count,
						  const struct imap_decoded_size *decoded, bool utf8);

#endif
