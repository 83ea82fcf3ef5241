/* Every mailbox name that LIST may tell a user, as the user knows it: the own mailboxes, those that others share, subscribed names that
 * lead nowhere, and the levels above all of these. NOTIFY and the LIST responses of other commands look here too. Threads: as session.h. */
#ifndef PROTO_IMAP_LIST_NAMES_H
#define PROTO_IMAP_LIST_NAMES_H

#include "proto/imap/command.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct imap_listed {
	struct str name;                         /* UTF-8, with the prefix of its namespace; in the arena */
	const struct mailbox *mailbox;           /* in the arena; NULL: there is no such mailbox (\NonExistent of RFC 5258 3) */
	struct account *account;                 /* that holds it; stays open until the request ends. NULL without mailbox */
	uint32_t rights;                         /* enum acl_right bits of the user; never without ACL_LOOKUP */
	bool subscribed;                         /* only known when subscriptions were asked for */
	bool hidden;                             /* the bin (model/bin.h), when it is to be told only to who names it: neither subscribed nor shown by option */
	bool has_children;                       /* a mailbox that exists, and that the user may see, is below it */
};

/* All of them in the arena: INBOX first, each directly before what is below it. With `subscriptions` also the names that are only subscribed,
 * and the levels above them. Of the bins there is the own one, if it was made already. 0, or an error of the model. */
int imap_list_names(struct imap_request *r, bool subscriptions, struct imap_listed **out, size_t *n_out);

/* Is `name` somewhere below `above`? */
bool imap_name_is_below(struct str name, struct str above);

#endif
