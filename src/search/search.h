/* The full-text index of an account: which emails hold a word. Derived from the model by reading its change log in the background, never in
 * the way of a delivery; losing it loses nothing but time. One SQLite FTS5 database an account, below the data directory. Rows are emails, not
 * messages: what is copied or moved need not be indexed again.
 *
 * Threads: any. Errors: base/err.h; a search that fails is answered without the index, never wrongly. */
#ifndef SEARCH_SEARCH_H
#define SEARCH_SEARCH_H

#include "base/err.h"
#include "base/str.h"
#include "model/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct search;

struct search_config {
	struct str dir;                   /* of the databases */
	unsigned threads;                 /* that index in the background; 0: 1 */
	struct str converter;             /* program that makes text of attachments: "" none; doc in README.md */
};
int search_open(struct model *m, const struct search_config *c, struct search **out, struct err *e);
void search_close(struct search **s);            /* accepts NULL */

/* A hint that the account changed, from whoever opens it or delivers to it; cheap. */
void search_hint(struct search *s, uint64_t account);
/* Indexes what is not indexed yet, now, in this thread. With anew: from nothing. */
int search_update(struct search *s, uint64_t account, bool anew, struct err *e);

enum search_field { SEARCH_BODY, SEARCH_TEXT /* header fields and body */, SEARCH_SUBJECT, SEARCH_ADDRESSES };

/* Emails that may hold the text as a substring, folded as IMAP's SEARCH folds it (case, full width; i;unicode-casemap). */
struct search_answer {
	uint64_t *emails;                 /* ascending; malloc */
	size_t n;
	/* Emails below this id that are not in the list do not hold it; those from here on are not indexed yet and must be read. 0: the index says
	 * nothing (there is none, or the pattern is of a kind it cannot answer): all must be read. */
	uint64_t known_below;
	bool exact;                       /* those in the list hold it for certain; else they must be read */
};
int search_substring(struct search *s, uint64_t account, enum search_field field, struct str folded, struct search_answer *out);
void search_answer_fini(struct search_answer *a);

/* FUZZY (RFC 6203): words by their stems, all of them must be there; best first. Scores are 1 to 100. */
struct search_ranked { uint64_t email; unsigned score; };
int search_fuzzy(struct search *s, uint64_t account, enum search_field field, struct str text, struct search_ranked **out, size_t *n_out);

#endif
