/* Words by their stems, for FUZZY (RFC 6203): Snowball's stemmers for Russian, English, German, French and Spanish; accents and widths are folded
 * away. A stemmer is for one thread at a time; it remembers words, up to STEM_CACHE_MAX. */
#ifndef SEARCH_STEMS_H
#define SEARCH_STEMS_H

#include "base/buf.h"
#include "search/shelf.h"

struct stemmer;
int stemmer_create(struct stemmer **out);                     /* 0 or ERR_NO_MEMORY */
void stemmer_destroy(struct stemmer **s);                     /* accepts NULL */

/* One email: its texts (folded, UTF-8), column by column; words beyond EMAIL_STEMS_MAX are left out. Then the stems of each column, parted by
 * spaces, a stem as often as it is there, but not more than STEM_COUNT_MAX times; they live until the next begin. The language is that of most
 * little words in all the texts; where that cannot be told, of all languages of the script. 0 or ERR_NO_MEMORY. */
void stemmer_begin(struct stemmer *s);
void stemmer_add(struct stemmer *s, enum stem_column column, struct str text);
int stemmer_end(struct stemmer *s, struct str stems_out[STEM_COLUMNS]);

/* What may be meant by a word none of whose stems is in the index: adds stems, each as ` OR "stem"`. */
typedef void stemmer_guess_fn(void *arg, struct str stem, struct buf *out);
/* Is a stem in the index? */
typedef bool stemmer_known_fn(void *arg, struct str stem);
struct stemmer_index { stemmer_known_fn *known; stemmer_guess_fn *guess; void *arg; };

/* A question as an FTS5 expression: every word of it (up to FUZZY_WORDS_MAX) must be there, in any of the languages of its script, in one of the
 * columns (bits). False when there is no word in it. out->failed when memory ran out. */
bool stemmer_question(struct stemmer *s, const struct stemmer_index *index, unsigned columns, struct str text, struct buf *out);

#endif
