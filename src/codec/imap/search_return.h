/* What SEARCH, SORT and ESEARCH shall answer: search-return-opts of RFC 4466 2.6.1, with the options of RFC 4731 (MIN, MAX, ALL,
 * COUNT), RFC 5182 (SAVE), RFC 5267 and RFC 9394 (PARTIAL). For one thread. */
#ifndef CODEC_IMAP_SEARCH_RETURN_H
#define CODEC_IMAP_SEARCH_RETURN_H

#include "codec/imap/partial.h"

enum imap_return {
	IMAP_RETURN_MIN = 1,
	IMAP_RETURN_MAX = 2,
	IMAP_RETURN_ALL = 4,
	IMAP_RETURN_COUNT = 8,
	IMAP_RETURN_SAVE = 16,
	IMAP_RETURN_PARTIAL = 32,
	IMAP_RETURN_UPDATE = 64,          /* RFC 5267 4.3 */
	IMAP_RETURN_CONTEXT = 128,        /* RFC 5267 4.2: a hint */
	IMAP_RETURN_RELEVANCY = 256,      /* RFC 6203: only with a FUZZY key */
};
/* Those that are answered with messages or with their number. */
#define IMAP_RETURN_ITEMS (IMAP_RETURN_MIN | IMAP_RETURN_MAX | IMAP_RETURN_ALL | IMAP_RETURN_COUNT | IMAP_RETURN_PARTIAL)

struct imap_search_return {
	bool given;                  /* RETURN (...) was there */
	unsigned options;            /* enum imap_return; "RETURN ()" is ALL (RFC 4731 3.1); 0 when not given */
	struct imap_partial partial;
};

/* ["RETURN" SP "(" [option *(SP option)] ")" SP], and nothing else. */
bool imap_search_return(struct imap_cursor *c, struct imap_search_return *out);

#endif
