/* LIST and LSUB: RFC 3501 6.3.8 and 6.3.9, RFC 5258 section 6 (LIST-EXTENDED), RFC 5819 (STATUS), RFC 6154 6 (SPECIAL-USE),
 * RFC 9590 5 (METADATA). Any thread. */
#ifndef CODEC_IMAP_LIST_ARGS_H
#define CODEC_IMAP_LIST_ARGS_H

#include "codec/imap/cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which names: RFC 5258 3.1. */
enum imap_list_select {
	IMAP_LIST_SUBSCRIBED = 1,        /* implies IMAP_LIST_RETURN_SUBSCRIBED, which is set too */
	IMAP_LIST_REMOTE = 2,
	IMAP_LIST_RECURSIVE = 4,         /* RECURSIVEMATCH; never without one of IMAP_LIST_BASE */
	IMAP_LIST_SPECIAL_USE = 8,       /* RFC 6154 2 */
};
#define IMAP_LIST_BASE (IMAP_LIST_SUBSCRIBED | IMAP_LIST_SPECIAL_USE)    /* what RECURSIVEMATCH may be combined with */

/* What is told of each: RFC 5258 3.2. */
enum imap_list_return {
	IMAP_LIST_RETURN_SUBSCRIBED = 1,
	IMAP_LIST_RETURN_CHILDREN = 2,
	IMAP_LIST_RETURN_SPECIAL_USE = 4,
	IMAP_LIST_RETURN_STATUS = 8,     /* RFC 5819; imap_list.status says what */
	IMAP_LIST_RETURN_MYRIGHTS = 64,  /* RFC 8440 */
	IMAP_LIST_RETURN_METADATA = 16,  /* RFC 9590; imap_list.entry */
};

struct imap_list {
	bool extended;               /* written in any of the ways of RFC 5258: an empty pattern is nothing special then */
	unsigned select;             /* enum imap_list_select bits */
	unsigned returns;            /* enum imap_list_return bits */
	uint32_t status;             /* enum imap_status_item bits */
	struct str *entry;           /* entry names as metadata_args.h reads them; of several METADATA options, the last one's */
	size_t entry_count;
	struct str reference;        /* UTF-8 */
	/* UTF-8, the reference before each, "%" and "*" are wildcards; in the arena. Not extended: exactly one, and when it is empty, the
	 * hierarchy delimiter is asked for. Extended: without the empty ones, perhaps none. */
	struct str *pattern;
	size_t pattern_count;
	size_t wild_bytes;           /* of all patterns with wildcards */
};

/* All that follows "LIST SP", to the end of the command. */
bool imap_list_args(struct imap_cursor *c, struct imap_list *out);
/* All that follows "LSUB SP": mailbox SP list-mailbox. */
bool imap_lsub_args(struct imap_cursor *c, struct imap_list *out);

/* Does the whole name match? "*" stands for anything, "%" for anything without the separator. A first level that is "inbox"
 * in any case matches "INBOX" (RFC 3501 5.1). Takes time proportional to name times pattern at worst. */
bool imap_list_match(struct str pattern, struct str name, char separator);
/* Does it match any of them? */
bool imap_list_match_any(const struct imap_list *list, struct str name, char separator);

#endif
