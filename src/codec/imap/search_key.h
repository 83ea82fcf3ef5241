/* What SEARCH asks for: RFC 3501 6.4.4, RFC 7162 3.1.5, RFC 5032, RFC 8514 4.3, RFC 6203. For one thread; the tree lives in the cursor's arena. */
#ifndef CODEC_IMAP_SEARCH_KEY_H
#define CODEC_IMAP_SEARCH_KEY_H

#include "codec/imap/cursor.h"
#include "codec/imap/seqset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keys that are others under a new name are taken apart: NEW is RECENT and not SEEN, OLD is not RECENT, and so on. */
enum imap_search_kind {
	IMAP_SEARCH_ALL,
	IMAP_SEARCH_AND,         /* all of child..next: also parentheses, and the root */
	IMAP_SEARCH_OR,          /* any of child..next */
	IMAP_SEARCH_SEQSET,      /* set: message sequence numbers */
	IMAP_SEARCH_UIDSET,      /* set */
	IMAP_SEARCH_FLAG,        /* flag: one of enum imap_flag */
	IMAP_SEARCH_KEYWORD,     /* name */
	IMAP_SEARCH_RECENT,
	IMAP_SEARCH_DATE,        /* day_from <= internal date < day_until */
	IMAP_SEARCH_SAVED,       /* the same for the save date */
	IMAP_SEARCH_SENT,        /* the same for the Date field */
	IMAP_SEARCH_LARGER,      /* number: size > number */
	IMAP_SEARCH_SMALLER,     /* size < number */
	IMAP_SEARCH_OLDER,       /* number: seconds before now, and more (RFC 5032) */
	IMAP_SEARCH_YOUNGER,     /* likewise, and less */
	IMAP_SEARCH_MODSEQ,      /* modseq >= number (entry name and type are read and passed over, RFC 7162 3.1.5) */
	IMAP_SEARCH_HEADER,      /* name: the field; text: empty means that the field must be there */
	IMAP_SEARCH_FROM, IMAP_SEARCH_TO, IMAP_SEARCH_CC, IMAP_SEARCH_BCC, IMAP_SEARCH_SUBJECT,   /* text */
	IMAP_SEARCH_BODY,        /* text */
	IMAP_SEARCH_TEXT,        /* text: in header or body */
	IMAP_SEARCH_EMAILID,     /* text: an object identifier (RFC 8474 6) */
	IMAP_SEARCH_THREADID,
};

#define IMAP_SEARCH_DAY_MIN INT64_MIN
#define IMAP_SEARCH_DAY_MAX INT64_MAX

struct imap_search_key {
	enum imap_search_kind kind;
	bool negated;                        /* NOT */
	bool fuzzy;                          /* under FUZZY (RFC 6203), however deep */
	struct imap_search_key *next;        /* sibling under the same AND or OR */
	struct imap_search_key *child;       /* of AND and OR; NULL: none (an AND of nothing holds) */
	struct imap_seqset set;
	uint64_t flag;
	struct str name;
	struct str text;                     /* valid UTF-8, whatever the charset was */
	int64_t day_from, day_until;         /* days since 1970-01-01 */
	uint64_t number;
};

/* Where the values of named searches come from (RFC 5466 3.1). */
struct imap_search_filters {
	/* 0 with *value_out, which lives as long as the cursor's arena; ERR_NOT_FOUND; or another error. */
	int (*find)(void *arg, struct str name, struct str *value_out);
	void *arg;
};

struct imap_search {
	struct imap_search_key *root;        /* an AND */
	bool has_modseq;                     /* the answer then ends in (MODSEQ n) */
	struct str filter;                   /* after ERR_NOT_FOUND: the filter that is not there, or is no search; after ERR_DENIED: of the charset */
	bool has_fuzzy;                      /* there is a FUZZY: RELEVANCY may be asked for */
};

/* [CHARSET SP astring SP] and one key or more. 0; ERR_INVALID (c->error says why); ERR_UNSUPPORTED: the charset is
 * unknown, to be answered NO [BADCHARSET]; ERR_NO_MEMORY. */
int imap_search_args(struct imap_cursor *c, struct imap_search *out);
/* The same, where FILTER is a key too. Also ERR_NOT_FOUND, for NO [UNDEFINED-FILTER name]; ERR_DENIED: FILTER stands beside a charset that is not
 * UTF-8 or US-ASCII, for BAD [BADCHARSET] (RFC 5466 3.1); and the errors of find. */
int imap_search_filtered(struct imap_cursor *c, bool criteria /* as imap_search_criteria reads */, const struct imap_search_filters *filters, struct imap_search *out);
/* The same with the charset of SORT and THREAD: astring SP and one key or more (RFC 5256 section 5). */
int imap_search_criteria(struct imap_cursor *c, struct imap_search *out);

#endif
