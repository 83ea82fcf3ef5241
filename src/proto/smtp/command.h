/* The commands as data. Private to the room. */
#ifndef PROTO_SMTP_COMMAND_H
#define PROTO_SMTP_COMMAND_H

#include "proto/smtp/session.h"

enum smtp_where { SMTP_IN_MX = 1, SMTP_IN_SUBMISSION = 2, SMTP_IN_LMTP = 4, SMTP_EVERYWHERE = 7 };

/* The bit of this session. */
unsigned smtp_where(const struct smtp_call *c);

struct smtp_command {
	const char *verb;                    /* upper case */
	unsigned where;                      /* enum smtp_where bits */
	bool needs_helo;                     /* 503 before EHLO */
	bool needs_auth;                     /* 530 on submission before AUTH */
	bool ends_pipeline;                  /* RFC 2920 3.1: nothing may follow in the same group of a client that keeps the rules */
	bool during_chunks;                  /* allowed between two BDATs (RFC 3030 section 2) */
	void (*run)(struct smtp_call *c);
	const char *rfc;
};

/* By verb, without case; NULL when there is none. The table is sorted. */
const struct smtp_command *smtp_command_find(struct str verb);
const struct smtp_command *smtp_commands(size_t *n_out);

void smtp_cmd_atrn(struct smtp_call *c);
void smtp_cmd_auth(struct smtp_call *c);
void smtp_cmd_bdat(struct smtp_call *c);
void smtp_cmd_burl(struct smtp_call *c);
void smtp_cmd_data(struct smtp_call *c);
void smtp_cmd_ehlo(struct smtp_call *c);
void smtp_cmd_etrn(struct smtp_call *c);
void smtp_cmd_expn(struct smtp_call *c);
void smtp_cmd_helo(struct smtp_call *c);
void smtp_cmd_help(struct smtp_call *c);
void smtp_cmd_lhlo(struct smtp_call *c);
void smtp_cmd_mail(struct smtp_call *c);
void smtp_cmd_noop(struct smtp_call *c);
void smtp_cmd_quit(struct smtp_call *c);
void smtp_cmd_rcpt(struct smtp_call *c);
void smtp_cmd_rset(struct smtp_call *c);
void smtp_cmd_starttls(struct smtp_call *c);
void smtp_cmd_vrfy(struct smtp_call *c);
void smtp_cmd_xclient(struct smtp_call *c);
void smtp_cmd_xforward(struct smtp_call *c);

#endif
