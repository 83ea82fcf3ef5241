/* The database of one account: chunks of the exact index, the words by their stems (FTS5), the text of attachments. All SQL stands in shelf.c.
 *
 * Threads: a shelf is for one thread at a time; several shelves, in any thread or process, may be open on one file: one writes, the others go on
 * reading what was there when they began (WAL). Errors: ERR_CORRUPT when the file or a checksum in it is damaged, ERR_VERSION when the file was made
 * by other rules (format, folding, Unicode): both mean that it must be made anew. ERR_BUSY, ERR_IO, ERR_NO_SPACE, ERR_NO_MEMORY. */
#ifndef SEARCH_SHELF_H
#define SEARCH_SHELF_H

#include "base/buf.h"
#include "base/err.h"
#include "search/chunk.h"
#include "search/search.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shelf;

/* For reading: ERR_NOT_FOUND when there is none. For writing it is made. */
int shelf_open(const char *path, bool for_writing, struct shelf **out, struct err *e);
/* Once *hurry is true, closing leaves the log of SQLite as it is, for the next one who opens the file: to write all of it back takes its time. *hurry must
 * live as long as the shelf. */
void shelf_hurry_when(struct shelf *s, const _Atomic bool *hurry);
/* That, and long statements end with ERR_CLOSED soon after *stop has become true; it must live as long as the shelf. */
void shelf_stop_when(struct shelf *s, const _Atomic bool *stop);
void shelf_close(struct shelf **s);                  /* accepts NULL; ends what was begun */
/* Empties the file in place, whatever it is: others that have it open see that, which they would not if another file came under its name (and SQLite
 * would take the old one's log for the new one's). */
int shelf_reset(const char *path, struct err *e);
/* Removes the file and what SQLite put beside it. 0 also when it was not there. */
int shelf_remove(const char *path, struct err *e);

/* A snapshot, or the one writer there may be. */
int shelf_begin(struct shelf *s, bool for_writing);
int shelf_commit(struct shelf *s);
void shelf_rollback(struct shelf *s);                /* also ends a reading; harmless when nothing was begun */
/* Forgets everything; the caller is writing. */
int shelf_clear(struct shelf *s);

struct shelf_state {
	uint64_t known_below;                        /* emails below are in a chunk, or unread, or were not there */
	uint64_t chunk_next;                         /* ids of chunks ascend, and within a making are never given again, also after shelf_clear */
	uint64_t emails;                             /* in all chunks */
	uint64_t made;                               /* a random number of this making; not set by shelf_set_state */
};
int shelf_state(struct shelf *s, struct shelf_state *out);
int shelf_set_state(struct shelf *s, const struct shelf_state *state);

struct shelf_chunk { uint64_t id; uint32_t emails; };
/* Ascending, as are the emails in them. */
int shelf_chunks(struct shelf *s, struct shelf_chunk **out /* malloc */, size_t *n_out);
int shelf_chunk_emails(struct shelf *s, const struct shelf_chunk *c, uint64_t *emails);
int shelf_put_chunk(struct shelf *s, uint64_t id, const uint64_t *emails, uint32_t n);
int shelf_drop_chunk(struct shelf *s, uint64_t id);
int shelf_put_block(struct shelf *s, uint64_t chunk, enum field field, uint32_t number, const struct block *b);
/* The strings live until the next call on this shelf, but for shelf_terms, whose caller's function must copy. ERR_NOT_FOUND: no such block. */
int shelf_block(struct shelf *s, uint64_t chunk, enum field field, uint32_t number, struct block *out);
int shelf_posts(struct shelf *s, uint64_t chunk, enum field field, uint32_t number, struct str *lens_out, struct str *posts_out);
typedef int shelf_terms_fn(void *arg, uint32_t number, struct str terms);
int shelf_terms(struct shelf *s, uint64_t chunk, enum field field, shelf_terms_fn *fn, void *arg);

/* Emails that could not be indexed: they must be read. */
int shelf_put_unread(struct shelf *s, uint64_t email);
int shelf_unread(struct shelf *s, uint64_t **out /* malloc */, size_t *n_out);          /* ascending */

/* Folded text of attachments. ERR_NOT_FOUND: the email has none. The string lives until the next call. */
int shelf_put_attached(struct shelf *s, uint64_t email, struct str text);
int shelf_attached(struct shelf *s, uint64_t email, struct str *out);

/* Stems, parted by spaces. */
enum stem_column { STEM_SUBJECT, STEM_FROM, STEM_TO, STEM_CC, STEM_BCC, STEM_BODY, STEM_COLUMNS };
int shelf_put_stems(struct shelf *s, uint64_t email, const struct str stems[STEM_COLUMNS]);
/* Emails of which an FTS5 expression holds, best first; weight falls with it. */
typedef int shelf_ranked_fn(void *arg, uint64_t email, double weight);
int shelf_ranked(struct shelf *s, struct str expression, shelf_ranked_fn *fn, void *arg);

bool shelf_has_stem(struct shelf *s, struct str stem);       /* false also after an error */
/* All stems from <= stem < to, with how many emails have them. */
typedef int shelf_stem_fn(void *arg, struct str stem, uint64_t emails);
int shelf_stems(struct shelf *s, struct str from, struct str to, shelf_stem_fn *fn, void *arg);

struct shelf_stats { uint64_t bytes, chunks, emails, unread, attached, known_below; };
int shelf_stats(struct shelf *s, struct shelf_stats *out);

#endif
