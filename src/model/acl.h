/* Access rights of mailboxes, RFC 4314 section 2: who, beside its owner, may do what in one. Floor 3: no spelling of any protocol. Who the
 * identifiers are is the directory's matter: here they are bytes that are compared.
 *
 * The owner of the account has ACL_ALL everywhere, whatever the lists say: who asks as the owner does not ask here. A mailbox that is made below another
 * begins with a copy of its list; at the top, and in a new account, with none. The list goes with its mailbox when it is renamed or deleted, and comes back with it (bin.h).
 *
 * Threads and errors: as model.h. */
#ifndef MODEL_ACL_H
#define MODEL_ACL_H

#include "model/model.h"

/* Stored: append, never renumber. */
enum acl_right {
	ACL_LOOKUP = 1,                  /* l: the mailbox is seen in lists */
	ACL_READ = 2,                    /* r: select, fetch, search, copy from */
	ACL_SEEN = 4,                    /* s: change \Seen */
	ACL_WRITE = 8,                   /* w: change other flags and keywords */
	ACL_INSERT = 16,                 /* i: append, copy into */
	ACL_POST = 32,                   /* p: mail may be sent to its address */
	ACL_CREATE = 64,                 /* k: mailboxes below it, rename into */
	ACL_DELETE_MAILBOX = 128,        /* x: delete, rename away */
	ACL_DELETE_MESSAGE = 256,        /* t: change \Deleted */
	ACL_EXPUNGE = 512,               /* e: expunge */
	ACL_ADMIN = 1024,                /* a: read and change the rights */
};
#define ACL_ALL 0x7ffu

#define ACL_ENTRIES_MAX 1000         /* of one mailbox */
#define ACL_IDENTIFIER_MAX 254       /* bytes */

/* No identifier stands twice with the same sign, and none without a right. */
struct acl_entry {
	struct str identifier;           /* without the dash of a negative one */
	bool negative;                   /* takes the rights away from whom other entries give them (RFC 4314 section 2, "negative rights") */
	uint32_t rights;                 /* enum acl_right bits, at least one */
};
struct acl {
	struct acl_entry *v;             /* sorted by identifier, the positive one first */
	size_t n;
};

/* The list of a mailbox, in the arena; *out has n 0 when nobody is in it. ERR_NOT_FOUND: no such mailbox, or only a level. */
int mailbox_acl(struct account *a, struct arena *arena, uint32_t mailbox, struct acl *out);
/* What the list gives to somebody who is all of these identifiers: all that any positive entry gives, less all that any negative one takes. */
uint32_t acl_rights(const struct acl *acl, const struct str *identifiers, size_t n);
/* The lists of all mailboxes of the account that have one, in order of mailbox; behind them those of deleted mailboxes that may be restored (model/bin.h), under numbers
 * that no mailbox has. */
struct acl_of_mailbox {
	uint32_t mailbox;
	struct acl acl;
};
int account_acls(struct account *a, struct arena *arena, struct acl_of_mailbox **out, size_t *n_out);

/* An entry that is left without a right is taken out. ERR_NOT_FOUND (no such mailbox, or only a level), ERR_DENIED (the bin), ERR_INVALID (an empty identifier),
 * ERR_TOO_BIG (over ACL_ENTRIES_MAX or ACL_IDENTIFIER_MAX). */
enum acl_op { ACL_REPLACE, ACL_ADD, ACL_REMOVE };
int mailbox_acl_set(struct account *a, uint32_t mailbox, struct str identifier, bool negative, enum acl_op op, uint32_t rights, struct err *e);
/* Takes an identifier out of all lists of the account, both signs. */
int account_acl_forget(struct account *a, struct str identifier);

#endif
