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
	struct rangeset set;             /* SEQSET: numbers; UIDSET: UIDs. In the arena: not to be changed */
	uint64_t mask;                   /* FLAG, KEYWORD: the bit; 0: nobody has that keyword */
	struct imap_needle needle;
};

/* False with the reply set: BAD for message numbers that are not there, NO for want of memory. */
bool imap_search_prepare(struct imap_request *r, const struct imap_search *search, struct imap_test **out);

/* HEADER of these fields is answered from the summary. */
bool imap_search_in_summary(struct str field);

#endif
