/* The header of a message that goes to the members of a group: RFC 2369, RFC 2919, RFC 3834. Neither body nor subject is touched, nor fields that an
 * author signs (but for Reply-To and From where the group is set so), so that signatures hold and DMARC passes. Pure but for DNS; any thread. */
#ifndef DELIVER_GROUP_HEADER_H
#define DELIVER_GROUP_HEADER_H

#include "base/arena.h"
#include "base/buf.h"
#include "directory/group.h"
#include "rt/dns.h"

/* The octets of the header, without its empty line; *body_out is what follows the empty line. */
struct str group_header_split(struct str message, struct str *body_out);
/* Did the message come through this group before? */
bool group_header_loops(struct str header, struct str list);
/* Appends the new header, without the empty line. dns: to ask for the author's policy; NULL: From stays. 0 or ERR_NO_MEMORY. */
int group_header_write(struct str header, const struct group *g, const struct dns_source *dns, struct arena *a, struct buf *out);

#endif
