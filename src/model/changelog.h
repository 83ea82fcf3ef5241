/* The change log of an account: one record for each modseq, listing what the commit did as sections. Everything that
 * keeps itself up to date reads it: views, IDLE, QRESYNC, later JMAP, DAV and the search index. Writing: within a
 * commit only. */
#ifndef MODEL_CHANGELOG_H
#define MODEL_CHANGELOG_H

#include "base/buf.h"
#include "base/bytes.h"
#include "base/rangeset.h"
#include "model/record.h"

#include <stdint.h>

enum changelog_kind {                                   /* stored: append, never renumber */
	LOG_APPEND = 1,             /* UIDs that came */
	LOG_FLAGS = 2,              /* UIDs whose flags changed */
	LOG_EXPUNGE = 3,            /* UIDs that went */
	LOG_MAILBOX_CREATED = 4,
	LOG_MAILBOX_DELETED = 5,
	LOG_MAILBOX_RENAMED = 6,
	LOG_MAILBOX_CHANGED = 7,    /* its special use */
	LOG_SUBSCRIPTION = 8,       /* mailbox is 0 */
	LOG_ACL = 9,                /* who may do what in it */
	LOG_METADATA = 10,          /* annotations, annotation.h; mailbox 0: the account's */
};

/* ---- writing ---- */

void changelog_begin(struct buf *b, uint64_t nonce);
/* Over LOG_RANGES_MAX the section becomes one coarse range from the least to the greatest. */
void changelog_add(struct buf *b, enum changelog_kind kind, uint32_t mailbox, const struct rangeset *uids);
void changelog_add_range(struct buf *b, enum changelog_kind kind, uint32_t mailbox, uint32_t lo, uint32_t hi);
void changelog_add_plain(struct buf *b, enum changelog_kind kind, uint32_t mailbox);
/* Is there anything in it? */
bool changelog_is_empty(const struct buf *b);
/* 0, or ERR_NO_MEMORY. */
int changelog_save(struct store_write *w, uint64_t modseq, struct buf *b);

/* ---- reading ---- */

struct changelog_section {
	enum changelog_kind kind;
	bool coarse;                /* the UIDs are among these ranges: some of them may not have been touched */
	uint32_t mailbox;
	struct cursor ranges;       /* for changelog_range */
	uint32_t last;
};
struct changelog_reader {
	struct cursor sections;
	uint64_t nonce;
};
int changelog_open(struct str value, struct changelog_reader *out);                   /* 0, ERR_CORRUPT, ERR_VERSION */
int changelog_next(struct changelog_reader *r, struct changelog_section *out); /* 1, 0 at the end, ERR_CORRUPT */
int changelog_range(struct changelog_section *s, struct range *out);                  /* 1, 0 at the end, ERR_CORRUPT */

#endif
