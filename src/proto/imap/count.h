/* What the room counts for who watches. Private to the room; any thread. */
#ifndef PROTO_IMAP_COUNT_H
#define PROTO_IMAP_COUNT_H

#include "proto/imap/command.h"

/* Around a command, or one more line of it (goes_on: its time was counted before); the row is known by then, or NULL. */
void imap_count_begin(struct imap_request *r);
void imap_count_end(struct imap_request *r, bool goes_on);
/* The tagged line: r->reply. Refusals get a line in the log, the first of a session. */
void imap_count_reply(struct imap_request *r);
void imap_count_bye(struct imap_session *s, const char *text);
/* Where the session stands, for who looks. */
void imap_count_state(struct imap_session *s);

#endif
