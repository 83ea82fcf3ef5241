/* Byte-stuffing of a multi-line response (RFC 1939 section 3), in runs as long as they come. Pure; any thread. */
#ifndef PROTO_POP3_STUFF_H
#define PROTO_POP3_STUFF_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Takes the next octets; false: nobody listens any more. */
typedef bool pop3_emit(void *arg, struct str run);

/* The message with an additional dot before each line that begins with one, then CRLF when it does not end in one,
 * then the terminating line. A line also ends at a bare LF: there are clients for which it does, and for them a lone
 * dot behind it must not look like the end. */
void pop3_stuff(struct str message, pop3_emit *emit, void *arg);
/* The header, the empty line behind it, and that many lines of the body (TOP, RFC 1939 section 7). */
struct str pop3_top(struct str message, uint32_t lines);

#endif
