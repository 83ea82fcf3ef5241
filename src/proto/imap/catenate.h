/* The parts of a message that CATENATE takes from other messages: RFC 4469. Threads: as session.h. */
#ifndef PROTO_IMAP_CATENATE_H
#define PROTO_IMAP_CATENATE_H

#include "proto/common/url_part.h"
#include "proto/imap/command.h"

#include <stdbool.h>

/* Opens what the URL names on this server for the user, without marking it as seen: a relative URL, in which an empty mailbox name means the
 * selected mailbox. False: the reply is set: NO [BADURL url], or what else went wrong. Close it also then. */
bool imap_catenate_open(struct imap_request *r, struct str url, struct url_part *out);

#endif
