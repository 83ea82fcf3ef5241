/* The untagged STATUS response: RFC 3501 7.2.4; of STATUS, LIST RETURN (STATUS ...), and NOTIFY. Threads: as session.h. */
#ifndef PROTO_IMAP_STATUS_RESPONSE_H
#define PROTO_IMAP_STATUS_RESPONSE_H

#include "proto/imap/session.h"

/* Writes the line. name: as the client knows it. items: enum imap_status_item bits. 0, or an error of the model (nothing is written
 * then). */
int imap_status_write(struct imap_session *s, struct str name, struct account *account, const struct mailbox *m, uint32_t items);

#endif
