/* Reading email records one after the other in short store reads (model.h, email_reader). Threads: as session.h. */
#ifndef PROTO_IMAP_EMAIL_BATCH_H
#define PROTO_IMAP_EMAIL_BATCH_H

#include "model/model.h"

#define IMAP_EMAIL_BATCH_MAX 200         /* records in one store read */

struct imap_email_batch {
	struct account *account;
	struct email_reader *reader;         /* NULL: none is open */
	unsigned reads;
};

/* What it gives lives until the next get or end. Begins a store read when none is open, begins anew when one was long or went
 * stale. 0, ERR_NOT_FOUND, or an error of the model. */
int imap_email_get(struct imap_email_batch *b, uint64_t email, struct email *out);
/* Before anything is sent to a socket, and at the end. */
void imap_email_batch_end(struct imap_email_batch *b);

#endif
