/* Trace fields and dates as SMTP writes them: RFC 5321 4.4, RFC 3848 and 6531 3.7.3 for the protocol names. Pure; any thread. */
#ifndef CODEC_SMTP_TRACE_H
#define CODEC_SMTP_TRACE_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* "Mon, 23 Nov 2026 18:45:06 +0000" (RFC 5322 3.3). */
void smtp_format_date(struct buf *b, int64_t unix_seconds);

struct smtp_trace {
	struct str helo;              /* as the peer said it; already valid or made printable */
	struct str peer_ip;
	struct str by;                /* our host name */
	bool esmtp, lmtp, tls, auth, utf8;
	struct str tls_version, tls_cipher;
	struct str id;
	struct str recipient;         /* only when there is one; empty: no "for" */
	bool has_priority;            /* RFC 6710 section 7 */
	int priority;
	bool hide_peer;               /* neither name nor address of the client */
	struct str solicit;           /* RFC 3865 2.6; empty: none */
	int64_t when;
};
/* One Received field with its folds and final CRLF. */
void smtp_format_received(struct buf *b, const struct smtp_trace *t);

/* What the header section of a message says that SMTP must know. */
struct smtp_header_facts {
	unsigned received;            /* fields named Received: hops */
	bool has_date, has_message_id, has_sender, has_return_path, has_bcc, has_authres;
	bool tls_optional;            /* "TLS-Required: No", RFC 8689 section 3 */
	unsigned from;                /* fields named From */
	struct str from_body;         /* of the first; empty: none */
	size_t length;                /* octets up to the body: with the empty line, when there is one */
};
void smtp_header_scan(struct str message, struct smtp_header_facts *out);

#endif
