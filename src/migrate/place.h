/* Where foreign mail lies, as the operator writes it. Pure; any thread.
 *
 *   imaps://user@host[:port]     TLS from the start           pop3s://...
 *   imap://user@host[:port]      STARTTLS                     pop3://...
 *   imap-pipe:COMMAND            a process that speaks IMAP on standard input and output, logged in already or not
 *
 * user is percent-encoded where it holds '%', '/', ':' or a second '@' is doubtful; the last '@' parts it from the host. */
#ifndef MIGRATE_PLACE_H
#define MIGRATE_PLACE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct place {
	bool pop3;
	bool implicit_tls;
	char user[256];                   /* "": none */
	char host[256];                   /* a name or an address, without brackets; "": a pipe */
	uint16_t port;
	char command[2048];               /* for the shell */
};
/* 0 or ERR_INVALID with the reason. A password in it is refused: it would be seen in the list of processes. */
int place_parse(const char *text, struct place *out, struct err *e);
static inline bool place_is_pipe(const struct place *p) { return p->command[0] != '\0'; }
/* The one way to write it, without the user: "imaps://host:993". Appends. */
void place_format(const struct place *p, struct buf *out);

#endif
