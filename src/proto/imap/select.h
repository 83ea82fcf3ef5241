/* What SELECT tells about a mailbox and ENABLE may have to tell again. Threads: as session.h. */
#ifndef PROTO_IMAP_SELECT_H
#define PROTO_IMAP_SELECT_H

#include "proto/imap/session.h"

/* "* OK [HIGHESTMODSEQ n]" of the selected view, RFC 7162 3.1.2.1. */
void imap_tell_highestmodseq(struct imap_session *s);

#endif
