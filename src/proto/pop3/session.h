/* A POP3 session and what its commands are given. Private to the room. One thread at a time. */
#ifndef PROTO_POP3_SESSION_H
#define PROTO_POP3_SESSION_H

#include "proto/common/sasl.h"
#include "proto/common/services.h"
#include "proto/pop3/command.h"
#include "proto/pop3/maildrop.h"
#include "proto/pop3/text.h"
#include "rt/conn.h"

#include <stdbool.h>
#include <stdint.h>

struct pop3_session {
	const struct mail_config *config;
	enum pop3_state state;
	enum pop3_language language;
	bool utf8;                            /* RFC 6856 2.1 */
	bool closing;
	bool offers_apop;                     /* the greeting had a timestamp: somebody has a secret */
	uint8_t nonce[12];                    /* of the timestamp */
	int64_t began;                        /* unix seconds; in the timestamp */
	char *name;                           /* after a successful USER, until anything but PASS comes */
	struct sasl *sasl;                    /* an exchange under way: lines are its responses */
	struct maildrop drop;
	uint32_t retrieved, deleted;          /* for the log */
	uint32_t told;                        /* refusals that were logged */
};

/* One command. */
struct pop3_call {
	struct conn *conn;
	struct pop3_session *s;
	struct services *services;
	struct pop3_arguments args;
};

/* ---- answering: one line each (RFC 1939 section 3, RFC 2449 section 8) ---- */

void pop3_ok(struct pop3_call *c, enum pop3_text text);
/* "+OK 120 octets" */
void pop3_ok_number(struct pop3_call *c, uint64_t number, enum pop3_text text);
/* code: "IN-USE", or NULL for none. */
void pop3_err(struct pop3_call *c, const char *code, enum pop3_text text);
/* An error of the rooms below, with SYS/TEMP or SYS/PERM (RFC 3206). */
void pop3_fail(struct pop3_call *c, int error);

/* ---- what files share ---- */

/* The timestamp of the greeting, with its angle brackets (RFC 1939 section 7). */
void pop3_timestamp(const struct pop3_call *c, struct buf *out);
/* The exchange goes on with a line of the client. */
void pop3_input_auth(struct pop3_call *c, struct str line);
/* Forgets what a peer without TLS said (RFC 2595 section 4, RFC 3207 section 4.2 for why). */
void pop3_forget_peer(struct pop3_session *s);
/* The message that an argument names, unmarked, or false when an answer was given. */
bool pop3_arg_message(struct pop3_call *c, struct str arg, uint32_t *index_out);

#endif
