/* Does this message match? Looks where a test needs it to look: in the view, in the summary, in the message itself, each read at most
 * once for a message. Threads: as session.h; does no socket I/O. */
#ifndef PROTO_IMAP_SEARCH_MATCH_H
#define PROTO_IMAP_SEARCH_MATCH_H

#include "codec/imap/search_text.h"
#include "proto/imap/email_batch.h"
#include "proto/imap/search_index.h"
#include "proto/imap/search_program.h"
#include "proto/imap/session.h"

#include <stdbool.h>
#include <stdint.h>

/* The state of one search over many messages. Fields are private behind `scope`. */
struct imap_matcher {
	const struct imap_search_scope *scope;
	struct imap_search_tools tools;
	struct imap_index index;
	const struct message *m;
	struct imap_email_batch emails;
	unsigned have;                   /* what of the following is that of m */
	struct email email;
	struct mime_summary summary;
	struct store_blob_view blob;
	struct buf field, header, body, source;      /* folded */
	int err;
	unsigned fuzzy, score;           /* how many FUZZY tests of m held, and the sum of their scores */
};
#define IMAP_MATCHER_INIT(scope_) { .scope = (scope_), .emails = { .account = (scope_)->account }, \
	.tools = IMAP_SEARCH_TOOLS_INIT, .field = BUF_INIT(0), .header = BUF_INIT(0), .body = BUF_INIT(0), .source = BUF_INIT(0) }

/* 1: it matches; 0: it does not (also when it is not there any more); or an error of the model. */
int imap_match(struct imap_matcher *matcher, const struct imap_test *root, const struct message *m);
/* How well the last match fits its FUZZY keys, 1 to 100 (RFC 6203 4): the mean of those that held. */
unsigned imap_match_score(const struct imap_matcher *matcher);
/* True when the last imap_match had to read the message itself. */
bool imap_match_was_slow(const struct imap_matcher *matcher);
void imap_matcher_fini(struct imap_matcher *matcher);

#endif
