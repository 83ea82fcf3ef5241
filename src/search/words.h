/* How folded text is cut into terms, and how a text that is looked for is cut into what its terms must look like. Pure; any thread.
 *
 * A run is a longest stretch of characters of one class; the class is that of the character alone, so that wherever a pattern stands in
 * a text, the runs inside the pattern are runs of the text, its first run is the end of one, its last run the beginning of one. Runs of letters
 * (digits, marks, and what stands inside addresses and numbers: . _ - @ ') are terms. Runs of ideographs and of other scripts written without
 * spaces are cut into overlapping pairs of characters, a single one is a term by itself. A run of letters over TERM_MAX is cut into windows
 * that overlap, so that whatever is not longer than TERM_SURE and stands in the run stands in a window; the last one ends where the run ends.
 * All else parts runs and is not indexed. */
#ifndef SEARCH_WORDS_H
#define SEARCH_WORDS_H

#include "base/str.h"
#include "search/limits.h"

#include <stdbool.h>
#include <stddef.h>

struct words {
	struct str text;         /* UTF-8, folded */
	bool cut;                /* out: the last term was a window of a longer run */
	bool ideographs;         /* out: the last term is of ideographs */
	size_t at, run_end;      /* private: the rest of a run begins at at; behind run_end nothing was looked at */
};
static inline struct words words_of(struct str text) { return (struct words){ .text = text }; }
/* The next term, a slice of the text, at most TERM_MAX bytes. Terms may repeat. False at the end. */
bool words_next(struct words *w, struct str *term_out);

enum piece_kind {
	PIECE_WHOLE,             /* there is a term equal to it */
	PIECE_PREFIX,            /* that begins with it */
	PIECE_SUFFIX,            /* that ends with it */
	PIECE_INFIX,             /* that holds it */
};
struct piece {
	enum piece_kind kind;
	struct str text;         /* a slice of the pattern */
};
struct pattern {
	struct piece piece[PATTERN_PIECES_MAX];
	size_t n;
	bool exact;              /* a text of which this one piece holds, holds the pattern; otherwise it may */
};
/* Every text that holds the pattern has terms of which all the pieces hold. False when nothing can be said: there is no run in it. */
bool pattern_split(struct str folded, struct pattern *out);

#endif
