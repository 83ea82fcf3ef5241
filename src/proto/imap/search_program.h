/* A SEARCH made ready to run: numbers resolved, keywords found, strings folded, and every conjunction in the order of what its keys
 * cost, so that a blob is read only when all else already holds. Lives in an arena. Threads: as session.h. */
#ifndef PROTO_IMAP_SEARCH_PROGRAM_H
#define PROTO_IMAP_SEARCH_PROGRAM_H

#include "base/rangeset.h"
#include "codec/imap/needle.h"
#include "codec/imap/search_key.h"
#include "proto/imap/command.h"

#include <stdbool.h>
#include <stdint.h>

/* Where is searched: a view of a mailbox, and what the session knows of it. All borrowed. */
struct imap_search_scope {
	struct account *account;         /* that holds the mailbox */
	struct search *index;            /* of the words of all accounts; NULL: none, and all is read */
	const struct view *view;
	const struct rangeset *recent;   /* UIDs that are \Recent to this session */
	const struct rangeset *saved;    /* UIDs that "$" stands for (RFC 5182) */
	int64_t now;                     /* unix seconds, for OLDER and YOUNGER */
	uint32_t limit;                  /* messages that are looked at, at most, the highest (RFC 9738); 0: all */
	struct imap_request *request;    /* whose client is told of the progress (progress.h); NULL: nobody */
};
/* The selected mailbox, now. */
struct imap_search_scope imap_search_selected(const struct imap_session *s);

/* Where the answer is found, cheapest first. */
enum imap_search_cost {
	IMAP_SEARCH_FROM_VIEW,
	IMAP_SEARCH_FROM_SUMMARY,
	IMAP_SEARCH_FROM_HEADER,         /* of the message in its blob */
	IMAP_SEARCH_FROM_BODY,           /* the same, decoded */
	IMAP_SEARCH_COSTS
};

struct imap_test {
	const struct imap_search_key *key;
	enum imap_search_cost cost;      /* of AND and OR: the highest below */
	struct imap_test *next, *child;
	struct rangeset set;             /* SEQSET, UIDSET: UIDs. In the arena: not to be changed. Numbers are UIDs from here on, so
	                                  * that they mean the same messages whatever is expunged later (RFC 5267 4.3) */
	uint64_t mask;                   /* FLAG, KEYWORD: the bit; EMAILID, THREADID: the id; 0: nobody has it */
	int64_t moment;                  /* OLDER, YOUNGER: unix seconds */
	struct imap_needle needle;
};

/* Message numbers that are not there match nothing and are no error (RFC 7377 section 2). 0 or ERR_NO_MEMORY. */
int imap_search_prepare(struct arena *a, const struct imap_search_scope *scope, const struct imap_search *search,
						struct imap_test **out);
/* Does it ask for message numbers? (RFC 9586 3: not after ENABLE UIDONLY.) */
bool imap_search_has_numbers(const struct imap_search *search);

/* HEADER of these fields is answered from the summary. */
bool imap_search_in_summary(struct str field);

#endif
