/* SMTP and LMTP servers for app/: RFC 5321, 6409 (submission), 2033 (LMTP). */
#ifndef PROTO_SMTP_SMTP_H
#define PROTO_SMTP_SMTP_H

#include "proto/common/services.h"
#include "rt/conn.h"

enum smtp_mode {
	SMTP_MX,             /* mail for our domains from anybody; no relay, no AUTH */
	SMTP_SUBMISSION,     /* mail from our users; AUTH first */
	SMTP_LMTP,           /* mail from a transfer agent beside us; one reply per recipient */
};

/* The context of a listener; lives as long as the server. */
struct smtp_service {
	struct services *services;
	enum smtp_mode mode;
};

extern const struct conn_proto smtp_proto;          /* ctx: struct smtp_service * */
extern const struct conn_proto smtp_submission_proto;
extern const struct conn_proto smtp_lmtp_proto;

#endif
