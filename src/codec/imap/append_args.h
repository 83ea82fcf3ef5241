/* What APPEND says of each message before its octets: RFC 3501 6.3.11, RFC 3502, RFC 4466 2.3, RFC 4469 5. For one thread. */
#ifndef CODEC_IMAP_APPEND_ARGS_H
#define CODEC_IMAP_APPEND_ARGS_H

#include "codec/imap/cursor.h"

#include <stdbool.h>
#include <stdint.h>

/* How the octets are given. */
enum imap_append_form {
	IMAP_APPEND_LITERAL,         /* a literal stands next */
	IMAP_APPEND_UTF8,            /* "UTF8 (" was read: a literal8 and ")" follow. RFC 6855 4; RFC 9755 took it away, clients still send it */
	IMAP_APPEND_CATENATE,        /* "CATENATE (" was read: parts follow */
};

struct imap_append_message {
	struct imap_flags flags;
	bool has_date;
	int64_t date;                /* unix seconds */
	enum imap_append_form form;
};

/* [flag-list SP] [date-time SP] and what tells the form. For the forms with a literal nothing may follow: the announcement is not
 * part of what the cursor sees. */
bool imap_append_message(struct imap_cursor *c, struct imap_append_message *out);

enum imap_append_part {
	IMAP_PART_TEXT,              /* a literal stands next, as above */
	IMAP_PART_UTF8,
	IMAP_PART_URL,
};
/* cat-part, as far as its literal. *url_out: p == NULL, and no error, when the URL is a literal that has not come yet. */
bool imap_append_part(struct imap_cursor *c, enum imap_append_part *out, struct str *url_out);

#endif
