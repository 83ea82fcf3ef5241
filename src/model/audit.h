/* Checking an account, in pieces: audit_read gathers facts and faults from one snapshot, audit_repair mends each kind
 * of fault by commits that look again for themselves (the server may be running), audit_tags compares the bodies'
 * owners. For this room only. */
#ifndef MODEL_AUDIT_H
#define MODEL_AUDIT_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/change.h"
#include "model/keys.h"
#include "model/mailbox_record.h"
#include "model/member.h"
#include "model/purge.h"

/* What is to be mended. */
enum audit_todo {
	AUDIT_STATE = 1,            /* the state record is damaged */
	AUDIT_TREE = 2,             /* mailbox records, names, superiors */
	AUDIT_PAGES = 4,            /* index pages: bad_pages, misplaced */
	AUDIT_EMAILS = 8,           /* email records: emails with `bad` */
	AUDIT_MEMBERS = 16,         /* memberships: bad_member_pages, missing, extra */
	AUDIT_ORPHANS = 32,         /* emails that nobody holds: orphans */
	AUDIT_COUNTS = 64,
	AUDIT_LOG = 128,
	AUDIT_SUBSCRIPTIONS = 256,
	AUDIT_GRAVES = 512,
	AUDIT_DELETION = 1024,      /* account_delete was interrupted */
	AUDIT_THREADS = 2048,       /* what is noted of Message-IDs */
	AUDIT_ACLS = 4096,          /* access lists */
	AUDIT_ANNOTATIONS = 8192,   /* a record of them is damaged */
	AUDIT_URLS = 16384,         /* keys of authorised URLs */
	AUDIT_UNKNOWN = 65536,      /* keys of no kind or shape: a program that knows them would have raised the level of the store, so a bit has flipped */
	AUDIT_BIN = 32768,          /* which mailbox is the bin, where its messages are from, what mailboxes were deleted */
};

struct audit_mailbox {
	uint32_t id;
	struct str name;
	bool known;                                   /* its record could be read */
	bool bin;
	uint32_t uidnext, recent_from;
	uint64_t modseq;
	uint64_t bits;                                /* of message.flags that mean something in it */
	struct mailbox stored, counted;               /* only the counts */
};
struct audit_shown {
	struct member member;
	uint32_t size;
};
struct audit_email {
	uint64_t id;
	store_blob_id blob;
	uint32_t size;
	bool bad;
	bool bodyless;                                /* known to be: EMAIL_BODY_LOST */
	bool lost;                                    /* was bad, and could not be mended */
};
struct audit_page {
	uint32_t mailbox, start;
};

/* A growing array of T: v, n, cap. */
#define AUDIT_LIST(type) struct { type *v; size_t n, cap; }

struct audit {
	struct model *model;
	uint64_t account;
	store_report_fn *fn;
	void *arg;
	uint64_t faults;
	struct buf lines;                             /* of the snapshot: told once it is whole */
	uint64_t lines_n;

	const struct blob_list *tagged;               /* what it owned before the snapshot, sorted */
	struct arena arena;
	struct state state;
	unsigned todo;
	bool wounded;                                 /* store_wounded: records may be missing or old */
	bool lost;                                    /* an email is lost or damaged: a body without email may be its */
	bool bad_graves;                              /* which messages were expunged is not known whole */
	AUDIT_LIST(struct audit_mailbox) mailboxes;   /* by id */
	AUDIT_LIST(struct audit_shown) shown;         /* what the indexes hold, as memberships in their order */
	struct member_list buried;                    /* what the graves hold */
	AUDIT_LIST(struct audit_email) emails;        /* by id */
	AUDIT_LIST(struct key) damaged;               /* keys of records that fail their checksum */
	unsigned bits;                                /* records of these that a repair put right */
	AUDIT_LIST(struct audit_page) bad_pages;
	AUDIT_LIST(struct audit_page) misplaced;      /* pages under a start that lies behind their first UID */
	struct member_list bad_member_pages;          /* their starts */
	struct member_list missing, extra;            /* memberships */
	AUDIT_LIST(uint64_t) orphans;
	AUDIT_LIST(uint32_t) origins;                 /* UIDs of the bin that they are noted for */
	AUDIT_LIST(uint32_t) tombs;                   /* mailboxes, ascending, as the next */
	AUDIT_LIST(uint32_t) kept_acls;               /* of deleted mailboxes (key_kept) */
};

/* Room for one more: 0 or ERR_NO_MEMORY. */
int audit_grow(void **v, size_t *cap, size_t n, size_t size);
#define audit_add(list, item) \
	(audit_grow((void **)&(list)->v, &(list)->cap, (list)->n, sizeof(*(list)->v)) \
		 ? ERR_NO_MEMORY \
		 : ((list)->v[(list)->n++] = (item), 0))

/* One line, "account N: ..."; counts. Adds to todo. */
void audit_fault(struct audit *c, unsigned todo, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* One line, "note: account N: ...", that counts as no fault: garbage that a power cut may leave by design. */
void audit_note(struct audit *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct audit_mailbox *audit_mailbox_find(struct audit *c, uint32_t id);

/* audit_read.c: everything from one snapshot. A read_fn; arg is the struct audit. */
int audit_read(struct store_read *r, void *arg);
/* audit_compare.c: facts against each other, still within the snapshot. */
int audit_compare(struct audit *c, struct store_read *r);
/* audit_acl.c: one access list, once the mailboxes are known; and mending them, within a commit. */
int audit_read_acl(struct audit *c, struct str key, struct str value);
int audit_mend_acls(struct change *c, void *arg);
/* audit_url.c: the same of the keys of authorised URLs. */
int audit_read_url(struct audit *c, struct str key, struct str value);
int audit_mend_urls(struct change *c, void *arg);
/* audit_bin.c: one page of origins, one deleted mailbox; all of it against the rest; and mending it, within a commit. */
int audit_read_origins(struct audit *c, struct str key, struct str value);
int audit_read_tomb(struct audit *c, struct str key, struct str value);
int audit_compare_bin(struct audit *c);
int audit_mend_bin(struct change *c, void *arg);
/* audit.c: frees what it holds. */
void audit_fini(struct audit *c);
/* audit_repair.c: by todo. */
int audit_repair(struct audit *c);
/* audit_bits.c: puts damaged records right in which one bit has flipped: that under `key`, or all that are not the state. What was read of the account says
 * nothing any more when c->bits rises. */
int audit_mend_bit(struct audit *c, const struct key *key);
int audit_mend_bits(struct audit *c);
/* Moves a damaged value out of the way, to KEY_ASIDE and its key. */
int audit_set_aside(struct change *c, const struct key *key);
/* audit_recount.c: counts, sums and counters anew, within a commit. */
int audit_recount(struct change *c, void *arg);
int audit_rebuild_state(struct change *c, void *arg);
/* audit_threads.c */
int audit_mend_threads(struct audit *c);
/* audit_tree.c */
int audit_mend_tree(struct change *c, void *arg);
/* audit_tags.c */
int audit_tags(struct audit *c, bool repair);
int audit_list_tags(struct audit *c, struct blob_list *out);
bool audit_has_blob(const struct blob_list *sorted, store_blob_id id);
/* Takes out of the sorted list what emails with ids from `email` on need: those that came since the snapshot. 0 or an error. */
int audit_strike_new(struct source s, uint64_t email, struct blob_list *blobs);
/* Within a commit: an append that comes later with this body is refused (ERR_RETRY). recovered: an email of this commit has it; otherwise its tag goes. */
int audit_condemn(struct change *c, store_blob_id blob, bool recovered);

#endif
