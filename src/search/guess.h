/* Which stems of an index may be meant by one that is not in it: those that differ by one letter, wrong, missing, too many, or two in the wrong
 * order; not the first letter, no word under GUESS_LETTERS_MIN, nothing with digits. Threads: as shelf.h. */
#ifndef SEARCH_GUESS_H
#define SEARCH_GUESS_H

#include "search/stems.h"

/* For struct stemmer_index; arg is the shelf. */
bool guess_known(void *shelf, struct str stem);
void guess_stems(void *shelf, struct str stem, struct buf *out);

#endif
