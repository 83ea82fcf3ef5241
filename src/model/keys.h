/* Where things lie in an account's scope: each kind under its own first byte, numbers big-endian so that the byte order
 * of keys is their numeric order. The values are described in doc/format/model.md. Any thread. */
#ifndef MODEL_KEYS_H
#define MODEL_KEYS_H

#include "base/str.h"

#include <stdint.h>

enum key_kind {
	KEY_STATE = 'a',            /* one record: counters and quota */
	KEY_MAILBOX = 'b',          /* mailbox id */
	KEY_ACL = 'c',              /* mailbox id: who may do what in it */
	KEY_ANNOTATION = 'd',       /* mailbox id (0: the account), account id of the user (0: shared), slot */
	KEY_EMAIL = 'e',            /* email id */
	KEY_GRAVE = 'g',            /* modseq, part: memberships that are gone and not yet forgotten */
	KEY_TOMB = 'h',             /* mailbox id: a mailbox that was deleted and may be restored (tomb.h) */
	KEY_PAGE = 'i',             /* mailbox id, first UID */
	KEY_ORIGIN = 'k',           /* UID in the bin: of the page's lower bound (origin.h) */
	KEY_LOG = 'l',              /* modseq */
	KEY_MEMBER = 'm',           /* email id, mailbox id, UID: of the page's lower bound */
	KEY_NAME = 'n',             /* hash of a mailbox name */
	KEY_SUBSCRIPTION = 's',     /* hash of a name */
	KEY_THREAD = 't',           /* hash of a Message-ID: of the page's lower bound */
	KEY_URL = 'u',              /* mailbox id: the key of authorised URLs; of another account's mailbox: its id, the account */
	KEY_CONDEMNED = 'x',        /* blob id: a stale tag that a check takes away */
	KEY_ASIDE = 'z',            /* a key: the damaged value that a repair found there */
};

struct key {
	char p[20];
	size_t n;
};
static inline struct str key_str(const struct key *k) { return (struct str){ k->p, k->n }; }

struct key key_state(void);
struct key key_mailbox(uint32_t mailbox);
/* Under this number access list and annotations of a deleted mailbox are kept, as long as its tomb is (tomb.h). No mailbox has one so high: they are counted up. */
#define KEY_KEPT 0x80000000u
static inline uint32_t key_kept(uint32_t mailbox) { return mailbox | KEY_KEPT; }
struct key key_acl(uint32_t mailbox);
/* What begins the keys of one set of annotations, and of all those of a mailbox. */
struct key key_annotations(uint32_t mailbox, uint64_t user);
struct key key_annotations_of(uint32_t mailbox);
struct key key_condemned(uint64_t blob);
struct key key_email(uint64_t email);
struct key key_grave(uint64_t modseq, uint32_t part);
struct key key_origin(uint32_t uid);
struct key key_page(uint32_t mailbox, uint32_t uid);
struct key key_log(uint64_t modseq);
struct key key_member(uint64_t email, uint32_t mailbox, uint32_t uid);
struct key key_names(uint64_t hash);
struct key key_subscription(uint64_t hash);
struct key key_thread(uint64_t hash);
struct key key_tomb(uint32_t mailbox);
struct key key_url(uint32_t mailbox);
struct key key_url_abroad(uint32_t mailbox, uint64_t account);

/* The bounds of a kind: all its keys k have first <= k < after. */
struct key key_first(enum key_kind kind);
struct key key_after(enum key_kind kind);
/* What follows every page of the mailbox. */
struct key key_pages_after(uint32_t mailbox);
/* The least key that is greater than k. */
struct key key_next(const struct key *k);

/* Whether it is of a kind above and of that kind's shape: mailboxes and emails have no number 0. */
bool key_is_known(struct str key);
/* Numbers out of a key that the store gave back. False when it has not this shape. */
bool key_read_u32(struct str key, enum key_kind kind, uint32_t *out);
bool key_read_u64(struct str key, enum key_kind kind, uint64_t *out);
bool key_read_page(struct str key, uint32_t *mailbox_out, uint32_t *uid_out);
bool key_read_member(struct str key, uint64_t *email_out, uint32_t *mailbox_out, uint32_t *uid_out);
bool key_read_url(struct str key, uint32_t *mailbox_out, bool *abroad_out);

#endif
