/* What the full-text index says of the tests of one search: asked once for each test, when the first message comes to it. Threads: as session.h. */
#ifndef PROTO_IMAP_SEARCH_INDEX_H
#define PROTO_IMAP_SEARCH_INDEX_H

#include "proto/imap/limits.h"
#include "proto/imap/search_program.h"
#include "search/search.h"

struct imap_index_answer {
	const struct imap_test *test;
	struct search_answer answer;
	bool fuzzy;                                  /* the ranks hold */
	struct search_ranked *ranked;                /* by email */
	size_t n_ranked;
};
/* Zero-initialise. */
struct imap_index {
	struct imap_index_answer *answers;           /* room for IMAP_SEARCH_INDEXED_MAX; NULL: none asked yet */
	unsigned n;
	bool hinted;                                 /* the index was told that it is behind */
	unsigned score;                              /* of the last answer to a FUZZY test that is a yes: 1 to 100 */
};
/* The score of what holds the text of a FUZZY test as it stands, but has no rank. */
#define IMAP_SCORE_UNRANKED 50
/* Of a test by text (BODY, TEXT, HEADER and its kin): does the email hold it? Of most header fields there is never a yes, unless the test is FUZZY:
 * then words count by their stems where the email is indexed. */
enum search_verdict imap_index_says(struct imap_index *x, const struct imap_search_scope *scope, const struct imap_test *t, uint64_t email);
void imap_index_fini(struct imap_index *x);

#endif
