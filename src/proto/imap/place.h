/* Where a mailbox name leads: to the user's own account, or to another one that shares the mailbox (RFC 2342 namespaces, RFC 4314
 * rights). Every command that takes a mailbox name asks here, so that rights are held in one place. Threads: as session.h. */
#ifndef PROTO_IMAP_PLACE_H
#define PROTO_IMAP_PLACE_H

#include "model/acl.h"
#include "proto/imap/command.h"

#include <stdbool.h>
#include <stdint.h>

struct imap_place {
	struct account *account;         /* stays open until the request ends (account_open again to keep it) */
	bool own;                        /* it is the user's own account */
	uint32_t rights;                 /* enum acl_right bits of the user in the mailbox; in one's own account ACL_ALL */
	struct str prefix;               /* what stands before mailbox.name in the name the client knows: "" in one's own account */
	struct mailbox mailbox;          /* name: within the account */
};

/* The mailbox of that name, in which the user has at least these rights. False: the reply is set: NO [NONEXISTENT] when it is
 * not there or the user may not know that it is (RFC 4314 section 6), NO [NOPERM], NO [CANNOT] for a level that cannot be selected unless
 * levels_too. */
bool imap_place_find(struct imap_request *r, struct str name, uint32_t rights, bool levels_too, struct imap_place *out);
/* The same for where messages shall go (APPEND, COPY, MOVE): needs ACL_INSERT; NO [TRYCREATE] when it is not there and could be created (RFC 3501
 * 6.3.11, 6.4.7). */
bool imap_place_target(struct imap_request *r, struct str name, struct imap_place *out);
/* For names that need not be there (CREATE, SUBSCRIBE, the new name of RENAME): only account, own, prefix and mailbox.name (canonical) are
 * set; rights are 0 and yet to be asked. */
bool imap_place_name(struct imap_request *r, struct str name, struct imap_place *out);
/* Has the user these rights in the selected mailbox? False: NO [NOPERM] is set. */
bool imap_selected_allows(struct imap_request *r, uint32_t rights);

#endif
