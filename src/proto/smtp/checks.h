/* What a message from outside is asked before it is accepted: SPF, DKIM, ARC, DMARC, and what follows from the answers. Private to the room. */
#ifndef PROTO_SMTP_CHECKS_H
#define PROTO_SMTP_CHECKS_H

#include "mailauth/check.h"
#include "proto/smtp/session.h"

struct smtp_findings {
	bool known;                          /* the rest holds */
	struct mailauth_question question;
	struct mailauth_verdict verdict;     /* may have slices of the message: good until that is changed */
	struct str field;                    /* Authentication-Results, whole */
	struct str bare;                     /* its content, for ARC */
};

/* Asks, if this session's mail is asked at all, and obeys the author's policy as configured: false when the message was refused and answered; t->junk
 * is set when it belongs to Junk. What is found lives with the transaction. */
bool smtp_check_sender(struct smtp_call *c, struct str message, struct smtp_findings *out);
/* Does this session's mail come from ourselves: users, networks that relay, networks that are not checked? */
bool smtp_is_inside(const struct smtp_call *c);

#endif
