/* Where a mailbox name leads: to the user's own account, or to another one that shares the mailbox (RFC 2342 namespaces, RFC 4314
 * rights). Every command that takes a mailbox name asks here, so that rights are held in one place. Threads: as session.h.
 *
 * The mailboxes of another user are "Other Users/alice@example.org/INBOX", "Other Users/alice@example.org/Projects/2026": the name within the account behind a prefix,
 * so that each mailbox has one name. Those of a shared account (directory.h, directory_user.shared) stand under "Shared Folders/". The two levels above are
 * no mailboxes. Under the user's own name there is nothing. */
#ifndef PROTO_IMAP_PLACE_H
#define PROTO_IMAP_PLACE_H

#include "model/acl.h"
#include "proto/common/namespace.h"
#include "proto/imap/command.h"

#include <stdbool.h>
#include <stdint.h>

struct imap_place {
	struct account *account;         /* stays open until the request ends (account_open again to keep it) */
	bool own;                        /* it is the user's own account */
	uint32_t rights;                 /* enum acl_right bits of the user in the mailbox; in one's own account ACL_ALL, or IMAP_BIN_RIGHTS */
	struct str owner;                /* canonical name of the user whose account it is */
	struct str prefix;               /* what stands before mailbox.name in the name the client knows: "" in one's own account */
	struct str told;                 /* prefix and mailbox.name */
	struct mailbox mailbox;          /* name: within the account */
};

/* What the owner may do in the bin (model/bin.h): nothing can be put there, and it stays as it is. */
#define IMAP_BIN_RIGHTS (ACL_LOOKUP | ACL_READ | ACL_SEEN | ACL_WRITE | ACL_DELETE_MESSAGE | ACL_EXPUNGE)

/* The mailbox of that name, in which the user has at least these rights. False: the reply is set: NO [NONEXISTENT] when it is
 * not there or the user may not know that it is (RFC 4314 section 6), NO [NOPERM], NO [CANNOT] in the own bin, and for a level that cannot be selected unless
 * levels_too. */
bool imap_place_find(struct imap_request *r, struct str name, uint32_t rights, bool levels_too, struct imap_place *out);
/* The same, with at least one of these rights: otherwise it is not there. */
bool imap_place_find_any(struct imap_request *r, struct str name, uint32_t rights, struct imap_place *out);
/* The same for where messages shall go (APPEND, COPY, MOVE): needs ACL_INSERT; NO [TRYCREATE] when it is not there and could be created (RFC 3501
 * 6.3.11, 6.4.7). */
bool imap_place_target(struct imap_request *r, struct str name, struct imap_place *out);
/* For names that need not be there (CREATE, SUBSCRIBE, the new name of RENAME): only account, own, owner, prefix, told and mailbox.name (canonical) are
 * set; rights are 0 and yet to be asked. */
bool imap_place_name(struct imap_request *r, struct str name, struct imap_place *out);
/* May the user make a mailbox of that name? In another account: with ACL_CREATE in the nearest mailbox above it, and at the top in INBOX. In the
 * user's own the names of the other namespaces are not free. False: the reply is set. */
bool imap_place_may_create(struct imap_request *r, const struct imap_place *place);

/* RFC 4314 section 4, APPEND and COPY: flags that the user may not set there are left out without a word. */
struct append;
void imap_place_filter(const struct imap_place *place, struct append *item);
/* The system flags that these rights allow to be changed. Keywords go with ACL_WRITE. */
uint64_t imap_rights_flags(uint32_t rights);

/* The flags that COPY takes along into a mailbox with these rights, keywords too (mailbox_copy_kept). */
uint64_t imap_rights_kept(uint32_t rights);

/* ---- the selected mailbox ---- */

/* Has the user these rights in the selected mailbox? False: NO [NOPERM] is set. */
bool imap_selected_allows(struct imap_request *r, uint32_t rights);
/* Looks whether the rights in the selected mailbox are others by now; with `tell`, FLAGS and PERMANENTFLAGS are told when that changed them (RFC 4314
 * 5.1.1). Nothing to do in one's own account. Without ACL_READ no message and no news are told any more. */
void imap_selected_look(struct imap_session *s, bool tell);

/* ---- for who lists ---- */

/* Opens another account until the request ends. 0, ERR_NOT_FOUND, ... */
int imap_place_open(struct imap_request *r, uint64_t account, struct account **out);
/* Closes what was opened; the dispatcher does it. */
void imap_place_close_all(struct imap_request *r);
/* "Other Users/alice@example.org/", in the arena; p NULL when memory ran out. */
struct str imap_place_prefix(struct arena *a, struct str owner, bool shared);

#endif
