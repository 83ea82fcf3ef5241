/* Quota roots (RFC 9208 3.2): there is one for each account, named by the user's address. "" stands for one's own. Threads: as session.h. */
#ifndef PROTO_IMAP_QUOTA_ROOT_H
#define PROTO_IMAP_QUOTA_ROOT_H

#include "proto/imap/command.h"

#include <stdbool.h>

/* May the session's user do what is the server's (configuration imap.admins)? */
bool imap_is_admin(const struct imap_session *s);

/* "* QUOTA root (resources)". 0, or an error of the model. */
int imap_quota_write(struct imap_session *s, struct str root, struct account *account);
/* Tells once that the quota of the selected mailbox is exceeded (RFC 9208 4.3.1, an untagged NO), and again when it was not in between. For when a
 * mailbox is selected, and when messages came. */
void imap_quota_warn(struct imap_session *s);

#endif
