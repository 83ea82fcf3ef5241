/* A message on its way out: which octets it has, and the octets of DATA with their dots doubled (RFC 5321 4.5.2). Pure; any thread; no
 * allocation, nothing copied. */
#ifndef CODEC_SMTP_STUFF_H
#define CODEC_SMTP_STUFF_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define SMTP_TEXT_LINE_MAX 998        /* octets without CRLF, RFC 5322 2.1.1 and RFC 5321 4.5.3.1.6 */

/* What decides how it may be sent. */
struct smtp_octets {
	size_t header_n;                  /* up to the empty line, which is not counted */
	bool header_8bit, body_8bit;
	/* What only BINARYMIME can carry (RFC 2045 2.7, 2.8): NUL, CR or LF that are no line end, lines over SMTP_TEXT_LINE_MAX. */
	bool nul, bare, long_line;
};
void smtp_octets_scan(struct str message, struct smtp_octets *out);

/* Yields what DATA is followed by, as slices to be written one after the other: pieces of the message, the doubled dots, and the end mark
 * with the CRLF before it if the message has none. The empty slice at the end. A bare CR or LF is passed as it is: scan first. */
struct smtp_stuff {
	struct str rest;
	unsigned char state;              /* private */
};
void smtp_stuff_init(struct smtp_stuff *s, struct str message);
struct str smtp_stuff_next(struct smtp_stuff *s);

#endif
