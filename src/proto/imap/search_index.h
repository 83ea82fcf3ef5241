/* What the full-text index says of the tests of one search: asked once for each test, when the first message comes to it. Threads: as session.h. */
#ifndef PROTO_IMAP_SEARCH_INDEX_H
#define PROTO_IMAP_SEARCH_INDEX_H

#include "proto/imap/limits.h"
#include "proto/imap/search_program.h"
#include "search/search.h"

struct imap_index_answer {
	const struct imap_test *test;
	struct search_answer answer;
};
/* Zero-initialise. */
struct imap_index {
	struct imap_index_answer *answers;           /* room for IMAP_SEARCH_INDEXED_MAX; NULL: none asked yet */
	unsigned n;
	bool hinted;                                 /* the index was told that it is behind */
};
/* Of a test by text (BODY, TEXT, HEADER and its kin): does the email hold it? Of most header fields there is never a yes. */
enum search_verdict imap_index_says(struct imap_index *x, const struct imap_search_scope *scope, const struct imap_test *t, uint64_t email);
void imap_index_fini(struct imap_index *x);

#endif
