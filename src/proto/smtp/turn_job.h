/* One message on its way to a peer that fetches it: what is said for it, and what becomes of its recipients. Knows no connection. One thread at a
 * time. Private to the room. */
#ifndef PROTO_SMTP_TURN_JOB_H
#define PROTO_SMTP_TURN_JOB_H

#include "base/buf.h"
#include "base/str.h"
#include "codec/smtp/ehlo.h"
#include "codec/smtp/reply.h"
#include "queue/queue.h"

#include <stdbool.h>

struct turn_job;

/* The next message of that destination, due now. 0; ERR_TIMEOUT: there is none; temporary. */
int turn_job_take(struct queue *q, struct store *s, struct str destination, struct turn_job **out);
/* Writes down what became of it; who has no result is as before. Accepts NULL. 0 or an error (queue_finish). */
int turn_job_finish(struct turn_job **j);
/* Brings it into the form that this server takes by DATA (this side says no BDAT). False: it cannot be said to it, and is settled. Before all that follows. */
bool turn_job_prepare(struct turn_job *j, const struct smtp_ehlo *server, bool tls);

/* Commands with their CRLF, appended. */
void turn_job_mail(const struct turn_job *j, struct buf *out);
/* For the next recipient; false when all were named. */
bool turn_job_rcpt(struct turn_job *j, struct buf *out);
/* The message as it goes: undoubled. */
struct str turn_job_bytes(const struct turn_job *j);
/* False: the store's bytes went bad under way. */
bool turn_job_is_intact(const struct turn_job *j);

/* What the peer `remote` answered: to the newest RCPT; */
void turn_job_heard_rcpt(struct turn_job *j, const struct smtp_reply *r, struct str remote);
bool turn_job_has_recipients(const struct turn_job *j);
/* to something that failed: for all without a result, or only those that were accepted; */
void turn_job_failed(struct turn_job *j, const struct smtp_reply *r, struct str remote, bool accepted_only);
/* and to the whole message, which it took. */
void turn_job_relayed(struct turn_job *j, const struct smtp_reply *r, struct str remote);

#endif
