/* ATRN, RFC 2645: the connection is turned round, and we are the client on it until QUIT. Each line of the peer is a step; nothing waits in between.
 * Private to the room. */
#ifndef PROTO_SMTP_TURN_H
#define PROTO_SMTP_TURN_H

#include "proto/smtp/session.h"

/* Takes the first message that waits for one of the domains (canonical; copied). 0: then the peer is to be told that the roles change; ERR_NOT_FOUND: no
 * mail; temporary. */
int smtp_turn_begin(struct smtp_call *c, const struct str *domains, size_t n);
/* Is the domain one whose mail somebody fetches (config: submission_fetch)? */
bool smtp_domain_is_fetched(const struct smtp_call *c, struct str domain);
/* A line of the peer, which is a server now. */
void smtp_turn_line(struct smtp_call *c, struct str line);
/* The session ends: what was not settled goes back to the queue. Accepts NULL. */
void smtp_turn_end(struct smtp_call *c);

#endif
