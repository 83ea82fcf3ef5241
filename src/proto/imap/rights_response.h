/* The untagged MYRIGHTS response: RFC 4314 3.8; MYRIGHTS and LIST (RFC 8440) send it. Threads: as session.h. */
#ifndef PROTO_IMAP_RIGHTS_RESPONSE_H
#define PROTO_IMAP_RIGHTS_RESPONSE_H

#include "proto/imap/command.h"

/* told: the name as the client knows it; rights: enum acl_right bits. */
void imap_write_myrights(struct imap_request *r, struct str told, uint32_t rights);

#endif
