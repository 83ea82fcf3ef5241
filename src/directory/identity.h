/* Who somebody is to an access list (RFC 4314 section 2): the identifiers that stand for a user, and where these have been let in. What they may do there
 * is model/acl.h's matter. Threads, names and errors as in directory.h.
 *
 * Identifiers are the names of users, the addresses of groups (for their members, also through groups that are members), and "anyone" for everybody who
 * has logged in. An alias that is a member of a group carries mail and no rights. */
#ifndef DIRECTORY_IDENTITY_H
#define DIRECTORY_IDENTITY_H

#include "directory/directory.h"

#define IDENTITY_ANYONE STR("anyone")
#define IDENTITIES_MAX 1000               /* identifiers of one user; groups over that count for nothing */
#define SHARES_MAX 10000                  /* accounts in which somebody has been let in, as far as they are looked at */

/* The canonical spelling of an identifier that somebody has typed, in the arena: prepared by SASLprep (RFC 4314 section 3), "anyone", or an address (without
 * a domain completed as in directory_verify). 0; ERR_NOT_FOUND: there is no such user or group, *out is what it would be called; ERR_INVALID: it
 * cannot be prepared, or is empty or too long. */
int directory_identifier(struct directory *d, struct arena *a, struct str text, struct str *out);
/* All identifiers of a user (a canonical name): the name first, "anyone" second, then groups. */
int directory_identifiers(struct directory *d, struct arena *a, struct str user, struct str **out, size_t *n_out);

/* ---- where somebody has been let in ----
 *
 * An index from identifiers to accounts, so that what others share with a user is found without looking into every account. It is written before the access
 * list is (different scopes have no common transaction), so an entry may be there in vain, and is never missing. */
struct directory_share {
	struct str identifier;
	uint64_t account;                     /* in some mailbox of it */
	struct str owner;                     /* the user's name when it was noted */
};
/* May be done twice; does nothing (and writes nothing) when it is there. */
int directory_share_note(struct directory *d, struct str identifier, uint64_t account, struct str owner);
int directory_share_drop(struct directory *d, struct str identifier, uint64_t account);
/* The accounts in which any of the identifiers may have been let in, each once, by owner's name; identifier is one of them. */
int directory_share_find(struct directory *d, struct arena *a, const struct str *identifiers, size_t n, struct directory_share **out, size_t *n_out);
/* All of them, for a check. */
int directory_share_list(struct directory *d, struct arena *a, struct directory_share **out, size_t *n_out);

#endif
