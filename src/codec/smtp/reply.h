/* What an SMTP or LMTP server says: RFC 5321 4.2, with the enhanced codes of RFC 2034. Lines come without their line ends. Pure; any thread;
 * no allocation. */
#ifndef CODEC_SMTP_REPLY_H
#define CODEC_SMTP_REPLY_H

#include "base/str.h"
#include "codec/smtp/status.h"

#include <stdbool.h>
#include <stddef.h>

#define SMTP_REPLY_LINES_MAX 200      /* of one reply; more is no reply */
#define SMTP_REPLY_LINE_MAX 4096      /* octets; RFC 5321 4.5.3.1.5 asks for 512 */
#define SMTP_REPLY_TEXT_MAX 500       /* octets kept */

struct smtp_reply {
	unsigned code;                    /* 200 to 599 */
	unsigned lines;
	struct smtp_status status;        /* the server's own, where it gave one that fits the code; else what the code says */
	size_t text_n;
	char text[SMTP_REPLY_TEXT_MAX];   /* "550 5.1.1 No such user": printable ASCII, lines joined, cut when too long */
};

enum smtp_reply_step { SMTP_REPLY_MORE, SMTP_REPLY_DONE, SMTP_REPLY_BAD };

void smtp_reply_begin(struct smtp_reply *r);
/* Takes one line. BAD: that is not SMTP, and nothing that follows can be trusted. */
enum smtp_reply_step smtp_reply_line(struct smtp_reply *r, struct str line);
/* What stands behind the code. */
static inline struct str smtp_reply_line_text(struct str line) { return str_from(line, 4); }
static inline struct str smtp_reply_text(const struct smtp_reply *r) { return str_make(r->text, r->text_n); }
static inline bool smtp_reply_is_ok(const struct smtp_reply *r) { return r->code / 100 == 2; }
static inline bool smtp_reply_is_permanent(const struct smtp_reply *r) { return r->code / 100 == 5; }

#endif
