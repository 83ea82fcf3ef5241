/* What SORT sorts by: RFC 5256 section 5, RFC 5957, RFC 6203. For one thread. */
#ifndef CODEC_IMAP_SORT_ARGS_H
#define CODEC_IMAP_SORT_ARGS_H

#include "codec/imap/cursor.h"

#include <stdbool.h>

enum imap_sort_key {
	IMAP_SORT_ARRIVAL,
	IMAP_SORT_CC,
	IMAP_SORT_DATE,
	IMAP_SORT_DISPLAYFROM,
	IMAP_SORT_DISPLAYTO,
	IMAP_SORT_FROM,
	IMAP_SORT_RELEVANCY,                 /* highest first; only with a FUZZY key */
	IMAP_SORT_SIZE,
	IMAP_SORT_SUBJECT,
	IMAP_SORT_TO,
};

struct imap_sort {
	unsigned n;
	struct {
		enum imap_sort_key key;
		bool reverse;
	} by[IMAP_SORT_CRITERIA_MAX];        /* the most important first */
};

bool imap_sort_has(const struct imap_sort *sort, enum imap_sort_key key);
/* "(" sort-criterion *(SP sort-criterion) ")" */
bool imap_sort_args(struct imap_cursor *c, struct imap_sort *out);

#endif
