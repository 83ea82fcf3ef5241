/* The functions behind the rows of the command table, in one place because all have the same shape. */
#ifndef PROTO_IMAP_COMMANDS_H
#define PROTO_IMAP_COMMANDS_H

#include "proto/imap/command.h"

#define IMAP_RUN(noun) enum imap_result imap_cmd_##noun(struct imap_request *r)
#define IMAP_LINE(noun) enum imap_result imap_line_##noun(struct imap_request *r, struct str line)

/* any state */
IMAP_RUN(capability);
IMAP_RUN(id);
IMAP_RUN(language);
IMAP_RUN(logout);
IMAP_RUN(noop);

/* not authenticated */
IMAP_RUN(authenticate);
IMAP_LINE(authenticate);
IMAP_RUN(login);
IMAP_RUN(starttls);

/* authenticated: mailboxes */
IMAP_RUN(append);
IMAP_RUN(compress);
IMAP_RUN(comparator);
IMAP_RUN(create);
IMAP_RUN(delete);
IMAP_RUN(deleteacl);
IMAP_RUN(enable);
IMAP_RUN(esearch);
IMAP_RUN(examine);
IMAP_RUN(genurlauth);
IMAP_RUN(getacl);
IMAP_RUN(getmetadata);
IMAP_RUN(getquota);
IMAP_RUN(getquotaroot);
IMAP_RUN(idle);
IMAP_LINE(idle);
IMAP_RUN(list);
IMAP_RUN(listrights);
IMAP_RUN(lsub);
IMAP_RUN(myrights);
IMAP_RUN(namespace);
IMAP_RUN(notify);
IMAP_RUN(rename);
IMAP_RUN(resetkey);
IMAP_RUN(select);
IMAP_RUN(setacl);
IMAP_RUN(setmetadata);
IMAP_RUN(setquota);
IMAP_RUN(status);
IMAP_RUN(subscribe);
IMAP_RUN(unauthenticate);
IMAP_RUN(unsubscribe);
IMAP_RUN(urlfetch);

/* selected: the mailbox */
IMAP_RUN(close);
IMAP_RUN(unselect);

#endif
