/* From the bytes of a command to its row and back to the tagged line: parses tag and name, holds the row's conditions, runs,
 * tells the news, answers. Threads: as session.h. */
#ifndef PROTO_IMAP_DISPATCH_H
#define PROTO_IMAP_DISPATCH_H

#include "proto/imap/command.h"
#include "proto/imap/gather.h"
#include "proto/imap/session.h"

/* Runs a whole command, as codec/imap/cursor.h wants it. */
void imap_dispatch(struct imap_session *s, struct str command);
/* A line for the command that returned IMAP_CONTINUES. */
void imap_dispatch_continued(struct imap_session *s, struct str line);
/* A line or a command is over its limit; `begin` is how it begins. */
void imap_dispatch_too_long(struct imap_session *s, struct str begin);
/* A literal is announced behind `text`. Refuses (and sends the tagged line) what would be refused anyway, and
 * what would make the command longer than max. *taker_out is set with IMAP_LITERAL_TAKE. */
enum imap_literal imap_dispatch_literal(struct imap_session *s, struct str text, const struct imap_announced *a, size_t max,
										const struct imap_command **taker_out);

#endif
