/* The extensions as data: what EHLO says, when, and the parameters of MAIL and RCPT that come with it. Private to the room. */
#ifndef PROTO_SMTP_EXTENSION_H
#define PROTO_SMTP_EXTENSION_H

#include "proto/smtp/session.h"

enum smtp_param_verb { SMTP_PARAM_OF_MAIL = 1, SMTP_PARAM_OF_RCPT = 2 };

struct smtp_parameter {
	const char *name;                    /* upper case; NULL: no more */
	enum smtp_param_verb verb;
	bool bare;                           /* takes no value; all others need one */
	/* Puts the value into the transaction or c->recipient; NULL, or a static text for 501. */
	const char *(*take)(struct smtp_call *c, struct str value);
};

#define SMTP_PARAMETERS_MAX 5                /* of one extension, the terminator included */

struct smtp_extension {
	const char *keyword;
	unsigned where;                      /* enum smtp_where bits */
	bool (*offered)(const struct smtp_call *c);                       /* NULL: always */
	void (*describe)(const struct smtp_call *c, struct buf *out);     /* appends what follows the keyword and a space, perhaps nothing; may be NULL */
	struct smtp_parameter parameters[SMTP_PARAMETERS_MAX];
	const char *rfc;
};

const struct smtp_extension *smtp_extensions(size_t *n_out);
/* One "250-KEYWORD ..." line for each that is offered here and now. */
void smtp_extensions_offer(struct smtp_call *c);
/* Reads the parameters behind a path. A parameter of an extension that is not offered does not exist (555). False when an answer was given. */
bool smtp_take_params(struct smtp_call *c, enum smtp_param_verb verb, struct str rest);
/* What the commands of some extensions ask and say of themselves. */
bool smtp_may_atrn(const struct smtp_call *c);
bool smtp_may_etrn(const struct smtp_call *c);
bool smtp_may_expn(const struct smtp_call *c);
bool smtp_may_xclient(const struct smtp_call *c);
bool smtp_may_xforward(const struct smtp_call *c);
void smtp_describe_xclient(const struct smtp_call *c, struct buf *out);
void smtp_describe_xforward(const struct smtp_call *c, struct buf *out);

#endif
