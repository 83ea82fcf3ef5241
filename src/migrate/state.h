/* What an import remembers between runs: which message elsewhere is which message here. One file for each pair of account and source, an append-only log of
 * checksummed records: doc/format/import.md. One thread; one process at a time (a lock on the file).
 *
 * It may be lost or cut short at any moment: what it does not say is found again by comparing messages (match.h). It must never say what is not true, so a
 * note is written after the message is durable here. */
#ifndef MIGRATE_STATE_H
#define MIGRATE_STATE_H

#include "base/err.h"
#include "base/map.h"
#include "base/str.h"
#include "model/model.h"

#include <stdbool.h>
#include <stdint.h>

enum note_reason { NOTE_TOO_BIG = 1, NOTE_ELSEWHERE = 2 };
struct note {
	uint32_t uid;                     /* there */
	uint32_t ours;                    /* UID here; 0: not brought over, and flags is an enum note_reason */
	uint64_t flags;                   /* as they were there: model.h's system flags; bit MESSAGE_KEYWORD_SHIFT + i is keyword i of the folder */
	uint64_t email;                   /* hash of the email's identifier; 0: none */
};
struct state_folder {
	char *wire;                       /* its name there; owned */
	uint32_t index;
	uint32_t uidvalidity;             /* there */
	uint32_t target;                  /* the mailbox here */
	char *keywords[KEYWORDS_MAX];
	unsigned n_keywords;
	struct note *v;                   /* ascending by uid */
	size_t n, cap;
	/* the last time that all of it had been brought over; uidnext 0: never */
	uint64_t modseq;
	uint32_t uidnext, messages;
	/* sources that name messages by text: */
	struct map *ids;                  /* text -> uid */
	uint32_t last_uid;
	bool listed;                      /* for the caller: is still there */
};
struct state;

/* dir: the data directory. ERR_BUSY: another import holds it. A damaged file is set aside as NAME.damaged, which *damaged_out tells. */
int state_open(const char *dir, uint64_t account, struct str source, struct state **out, bool *damaged_out, struct err *e);
void state_close(struct state **s);                           /* accepts NULL */
size_t state_count(const struct state *s);
struct state_folder *state_at(struct state *s, size_t i);     /* lives as long as s */
struct state_folder *state_find(struct state *s, struct str wire);      /* NULL: never seen */

/* The following write a record; what they have written is on disk after state_sync. 0, ERR_NO_MEMORY, ERR_IO, ERR_NO_SPACE. */

/* A new folder, or one that begins anew: its notes are forgotten. */
int state_begin(struct state *s, struct str wire, uint32_t uidvalidity, uint32_t target, struct state_folder **out, struct err *e);
/* The bit of a keyword; 0 when there are too many. */
int state_keyword(struct state *s, struct state_folder *f, struct str name, uint64_t *bit_out, struct err *e);
int state_note(struct state *s, struct state_folder *f, const struct note *notes, size_t n, struct err *e);     /* replaces by uid */
int state_forget(struct state *s, struct state_folder *f, const uint32_t *uids, size_t n, struct err *e);      /* ascending */
int state_complete(struct state *s, struct state_folder *f, uint64_t modseq, uint32_t uidnext, uint32_t messages, struct err *e);
/* The number of a message that has a text for a name: the same as ever, or a new one. */
int state_number(struct state *s, struct state_folder *f, struct str id, uint32_t *uid_out, struct err *e);
int state_sync(struct state *s, struct err *e);

/* NULL: none. Lives until the next change of the folder. */
const struct note *state_get(const struct state_folder *f, uint32_t uid);

#endif
