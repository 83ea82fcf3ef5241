/* Special uses as IMAP spells them: RFC 6154 section 2. Any thread. */
#ifndef PROTO_IMAP_USE_H
#define PROTO_IMAP_USE_H

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

/* The bit of enum mailbox_use for a name without its backslash, in any case; 0 when there is none. */
uint32_t imap_use_find(struct str name);
/* Appends " \Sent" for each bit that is set. */
void imap_use_format(struct buf *out, uint32_t use);

#endif
