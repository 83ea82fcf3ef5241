/* Enhanced mail system status codes: RFC 3463, with the registry of RFC 5248, and their place in replies by RFC 2034. Pure; any thread. */
#ifndef CODEC_SMTP_STATUS_H
#define CODEC_SMTP_STATUS_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

#define SMTP_STATUS_TEXT_MAX 10               /* "5.999.999" and a NUL */

struct smtp_status {
	unsigned char class;                      /* 2 success, 4 persistent transient failure, 5 permanent failure */
	unsigned short subject, detail;           /* 0 to 999 */
};

/* The whole of s must be one, without leading zeros (RFC 3463 2). False: *out is untouched. */
bool smtp_status_parse(struct str s, struct smtp_status *out);
/* RFC 2034 4: one at the start of a reply's text, followed by a blank or the end; *text moves behind both. False: nothing moves. */
bool smtp_status_take(struct str *text, struct smtp_status *out);
/* What a reply code says by itself, where RFC 5321 4.2.3 gives it one meaning; else 2.0.0, 4.0.0 or 5.0.0 (RFC 3461 6.3). */
struct smtp_status smtp_status_of_reply(unsigned code);
/* The status of a whole reply: the enhanced one in its text when it is of the reply's class (RFC 2034 4), else that of the code. */
struct smtp_status smtp_status_of_text(unsigned code, struct str text);
/* Terminated; returns the length. */
size_t smtp_status_format(struct smtp_status s, char out[SMTP_STATUS_TEXT_MAX]);

/* What it means to the sender of a message, and what to do about it: whole English sentences, static. advice is "" where there is
 * nothing to be done. Codes that nobody registered get the words of their subject. */
struct smtp_status_words { const char *what, *advice; };
struct smtp_status_words smtp_status_explain(struct smtp_status s);

#endif
