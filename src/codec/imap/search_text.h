/* The text of a message as SEARCH sees it: decoded, in UTF-8, folded for comparison without case. RFC 3501 6.4.4: transfer encodings
 * and encoded words are decoded. What is indexed and what is read must be the same, so both take it from here. Does no I/O. For one thread at a time. */
#ifndef CODEC_IMAP_SEARCH_TEXT_H
#define CODEC_IMAP_SEARCH_TEXT_H

#include "base/buf.h"
#include "codec/mime/charset.h"
#include "codec/mime/summary.h"

#include <stdbool.h>

/* Made once for a search, so that nothing is allocated for each message. */
struct imap_search_tools {
	struct mime_charset charset;
	struct buf octets;           /* after the transfer encoding */
	struct buf text;             /* after the charset */
	struct buf shown;            /* of HTML */
};
#define IMAP_SEARCH_TOOLS_INIT { MIME_CHARSET_INIT, BUF_INIT(0), BUF_INIT(0), BUF_INIT(0) }
void imap_search_tools_fini(struct imap_search_tools *t);

/* These append to out. Pieces end in NUL, so that nothing is found across two of them. */

/* One field of the envelope as "Name <local@domain>, ..." or as its decoded text. `field` is one of those that
 * imap_search_in_summary knows. False when the message does not have it. */
bool imap_search_envelope_field(struct imap_search_tools *t, const struct mime_summary *s, struct str field, struct buf *out);
/* The bodies of all fields of that name in a header, decoded. False when there is none. */
bool imap_search_header_field(struct imap_search_tools *t, struct str header, struct str field, struct buf *out);
/* A whole header, decoded, with the names. */
void imap_search_header(struct imap_search_tools *t, struct str header, struct buf *out);
/* Every text and message part, decoded, the headers of messages inside, and the names of files; other media are left out, as RFC 3501
 * 6.4.4 permits. HTML goes to `out` as the text that is read in it, every run of white space as one space, and to `source` as it was sent:
 * what stands in either of them is in the body. 0 or ERR_CORRUPT. */
int imap_search_body(struct imap_search_tools *t, const struct mime_summary *s, struct str message, struct buf *out, struct buf *source);

#endif
