/* What was wrong with a message. Parsing never fails on bad input: it yields the best structure there is, and a set
 * of these. Any thread. The values are stored in summaries: append, never renumber. */
#ifndef CODEC_MIME_DEFECT_H
#define CODEC_MIME_DEFECT_H

#include "base/buf.h"

#include <stdint.h>

enum mime_defect {
	MIME_NO_BLANK_LINE = 1u << 0,        /* the header ended at a line that is no field, or at the end of the bytes */
	MIME_STRAY_LINE = 1u << 1,           /* a line in the header that belongs to no field: mbox "From ", lone folding */
	MIME_BARE_LF = 1u << 2,              /* a line ends in LF without CR */
	MIME_BARE_CR = 1u << 3,              /* CR without LF in a header */
	MIME_HAS_NUL = 1u << 4,              /* RFC 5322 4: NUL is not permitted */
	MIME_HEADER_8BIT = 1u << 5,          /* bytes over 127 in a header: RFC 6532, or wrong */
	MIME_HEADER_NOT_UTF8 = 1u << 6,      /* and they are no UTF-8 */
	MIME_REPEATED_FIELD = 1u << 7,       /* a field that may occur once occurs again, RFC 5322 3.6 */
	MIME_BAD_TYPE = 1u << 8,             /* Content-Type does not follow RFC 2045 5.1: read as the default type */
	MIME_BAD_PARAM = 1u << 9,            /* a parameter does not follow RFC 2045 5.1 or RFC 2231 */
	MIME_BAD_ENCODING = 1u << 10,        /* unknown Content-Transfer-Encoding */
	MIME_ENCODED_COMPOSITE = 1u << 11,   /* multipart or message with base64 or quoted-printable, RFC 2045 6.4 */
	MIME_NO_BOUNDARY = 1u << 12,         /* multipart without a usable boundary parameter */
	MIME_NO_START = 1u << 13,            /* the boundary never occurs */
	MIME_NO_END = 1u << 14,              /* the closing boundary is missing */
	MIME_TOO_DEEP = 1u << 15,            /* limits of limits.h */
	MIME_TOO_MANY_PARTS = 1u << 16,
	MIME_TOO_MANY_FIELDS = 1u << 17,
	MIME_HEADER_TOO_LONG = 1u << 18,
	MIME_TOO_MANY_PARAMS = 1u << 19,
	MIME_TOO_MANY_ADDRESSES = 1u << 20,
	MIME_BAD_ADDRESS = 1u << 21,         /* does not follow RFC 5322 3.4, nor 4.4 */
	MIME_BAD_DATE = 1u << 22,
	MIME_CUT = 1u << 23,                 /* the summary holds less than the message says, by its limits */
	MIME_NO_LAST_CRLF = 1u << 24,        /* the last line has no CRLF (in summaries only): POP3 sends it with one */
};
#define MIME_DEFECT_COUNT 25

/* "no-blank-line" for one bit; NULL when there is no such bit. Static. */
const char *mime_defect_name(uint32_t one);
/* "no-end bare-lf", nothing for 0. */
void mime_defects_format(uint32_t set, struct buf *out);

#endif
