/* The stored record of one mailbox. It owns its text, so it survives later puts of the same commit. */
#ifndef MODEL_MAILBOX_RECORD_H
#define MODEL_MAILBOX_RECORD_H

#include "base/arena.h"
#include "model/model.h"
#include "model/record.h"

#include <stdint.h>

#define MAILBOX_RECORD_TEXT_MAX (MAILBOX_NAME_MAX + KEYWORDS_MAX * KEYWORD_LENGTH_MAX)
#define MAILBOX_INBOX 1u                          /* the id of INBOX in every account */

struct mailbox_record {
	uint32_t id;
	uint32_t use;
	bool no_select;
	bool bin;                                     /* bin_inside.h */
	uint32_t uidvalidity, uidnext;
	uint32_t messages, unseen, deleted, recent;
	uint32_t recent_from;                         /* UIDs from here on are recent */
	uint64_t modseq, bytes;
	uint32_t name_n;                              /* the name is the beginning of text */
	unsigned n_keywords;
	struct { uint16_t at, n; } keyword[KEYWORDS_MAX];    /* n 0: this bit is free */
	uint32_t text_n;
	char text[MAILBOX_RECORD_TEXT_MAX];
};

static inline struct str mailbox_record_name(const struct mailbox_record *m)
{
	return (struct str){ m->text, m->name_n };
}
static inline struct str mailbox_record_keyword(const struct mailbox_record *m, unsigned i)
{
	return (struct str){ m->text + m->keyword[i].at, m->keyword[i].n };
}

/* A fresh one; the name has been checked. */
void mailbox_record_init(struct mailbox_record *m, uint32_t id, struct str name);
/* Another name; the keywords stay. */
void mailbox_record_set_name(struct mailbox_record *m, struct str name);
/* 0, ERR_NOT_FOUND, ERR_CORRUPT, ... */
int mailbox_record_load(struct source s, uint32_t id, struct mailbox_record *out);
int mailbox_record_decode(struct str value, uint32_t id, struct mailbox_record *out);
int mailbox_record_save(struct store_write *w, const struct mailbox_record *m);
/* The contract's form of it; the name is copied into the arena (no arena: left empty). 0 or ERR_NO_MEMORY. */
int mailbox_record_show(const struct mailbox_record *m, struct arena *arena, struct mailbox *out);

/* Bit of message.flags of a keyword (RFC 3501 2.3.2: compared without case), or 0 when the mailbox does not know it. */
uint64_t mailbox_record_keyword_bit(const struct mailbox_record *m, struct str keyword);
/* The same, but a new keyword takes a free bit. 0 when there is none, or the word is empty or too long. */
uint64_t mailbox_record_keyword_make(struct mailbox_record *m, struct str keyword);
/* Frees the bits of mask. */
void mailbox_record_keywords_free(struct mailbox_record *m, uint64_t mask);

/* Counts one message in (sign 1) or out (sign -1). */
void mailbox_record_count(struct mailbox_record *m, const struct message *message, int sign);

#endif
