/* The message of an APPEND while it arrives. Seen only by cmd_append.c and those who must drop it. */
#ifndef PROTO_IMAP_APPEND_H
#define PROTO_IMAP_APPEND_H

struct imap_append;

void imap_append_discard(struct imap_append **a);         /* accepts NULL */

#endif
