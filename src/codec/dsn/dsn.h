/* Writes delivery status notifications: RFC 3464 in multipart/report (RFC 6522), with the forms of RFC 6533 where an address is not ASCII.
 * Pure; any thread. Everything that came from others (addresses, replies, the original) may be hostile: no byte of it can end a field, a line
 * or a part. */
#ifndef CODEC_DSN_DSN_H
#define CODEC_DSN_DSN_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED };       /* RFC 3464 2.3.3 */
const char *dsn_action_text(enum dsn_action a);

struct dsn_recipient {
	struct str address;                   /* the envelope's: local@domain */
	struct str original;                  /* ORCPT: "rfc822;user@example.org"; empty: not given */
	enum dsn_action action;
	struct str status;                    /* "5.1.1"; anything else is replaced by what the action says at least */
	struct str remote;                    /* host that said `reply`; empty: ourselves */
	struct str reply;                     /* its words with the code: "550 5.1.1 No such user", lines by LF or CRLF; or ours */
	int64_t last_attempt;                 /* unix seconds; 0: no field */
	int64_t retry_until;                  /* of delayed ones; 0: no field */
};
struct dsn {
	struct str reporting_mta;             /* our host name */
	struct str from;                      /* local@domain of who answers questions: postmaster */
	struct str to;                        /* the reverse-path of the original, without brackets */
	struct str envid;                     /* decoded; empty: not given */
	int64_t arrived;
	struct str id;                        /* letters and digits that nobody can guess: the boundary, and the left of the Message-ID */
	struct str queue_id;                  /* for people to quote */
	int64_t now;
	const struct dsn_recipient *recipients;
	size_t n;
	struct str original;                  /* the message, from its header on */
	bool original_utf8;                   /* it came with SMTPUTF8 */
	bool full;                            /* return all of it, where MIME can carry it; else its header. Only with a failure (RFC 3461 6.2) */
};
/* The message is head, body, tail; body is a slice of the original, or empty. CRLF line ends. */
struct dsn_message {
	struct buf head, tail;
	struct str body;
	bool utf8;                            /* needs SMTPUTF8: addresses in its header are not ASCII */
	bool eight_bit;                       /* holds 8-bit octets */
};
/* 0 or ERR_NO_MEMORY. The caller calls dsn_message_fini in any case. */
int dsn_format(const struct dsn *d, struct dsn_message *out);
void dsn_message_fini(struct dsn_message *m);

#endif
