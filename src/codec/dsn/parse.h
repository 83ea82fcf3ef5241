/* Reads delivery status notifications of others: RFC 3464, RFC 6533, and what is sent in their name. Pure; any thread. Never fails on bad input:
 * what cannot be understood is passed over. */
#ifndef CODEC_DSN_PARSE_H
#define CODEC_DSN_PARSE_H

#include "base/arena.h"
#include "base/str.h"
#include "codec/dsn/dsn.h"
#include "codec/smtp/status.h"

struct dsn_report_recipient {
	struct str address;                   /* Final-Recipient without its type, decoded (RFC 6533 3) */
	struct str original;                  /* Original-Recipient likewise; may be empty */
	enum dsn_action action;
	struct smtp_status status;            /* x.0.0 by the action when it was missing or wrong */
	struct str diagnostic;                /* as written, unfolded, without its type; may be empty */
};
struct dsn_report {
	struct str reporting_mta;             /* without its type */
	struct str envid;
	struct dsn_report_recipient *recipients;
	size_t n;                             /* 1 or more */
};

/* Strings are slices of the message or live in the arena. 0; ERR_NOT_FOUND: this is no delivery report (a forwarded one is none either);
 * ERR_TOO_BIG, ERR_NO_MEMORY. */
int dsn_parse(struct str message, struct arena *a, struct dsn_report *out);

#endif
