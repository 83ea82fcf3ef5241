/* What FETCH asks for: RFC 3501 6.4.5, RFC 3516 4.2, RFC 7162 3.1.4, RFC 8474 5.3, RFC 8514, RFC 8970 3. For one thread. */
#ifndef CODEC_IMAP_FETCH_ATT_H
#define CODEC_IMAP_FETCH_ATT_H

#include "codec/imap/cursor.h"
#include "codec/imap/partial.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Items without arguments: a set, since asking twice means nothing. ALL, FAST and FULL are taken apart. */
enum imap_fetch_item {
	IMAP_FETCH_FLAGS = 1 << 0,
	IMAP_FETCH_UID = 1 << 1,
	IMAP_FETCH_INTERNALDATE = 1 << 2,
	IMAP_FETCH_SIZE = 1 << 3,            /* RFC822.SIZE */
	IMAP_FETCH_MODSEQ = 1 << 4,
	IMAP_FETCH_ENVELOPE = 1 << 5,
	IMAP_FETCH_BODY = 1 << 6,            /* BODY without section */
	IMAP_FETCH_BODYSTRUCTURE = 1 << 7,
	IMAP_FETCH_EMAILID = 1 << 8,         /* RFC 8474 5.3 */
	IMAP_FETCH_THREADID = 1 << 9,
	IMAP_FETCH_PREVIEW = 1 << 10,        /* RFC 8970, lazy or not */
	IMAP_FETCH_SAVEDATE = 1 << 16,       /* RFC 8514 */
};
/* Answered from the view alone. */
#define IMAP_FETCH_VIEW_ITEMS \
	(IMAP_FETCH_FLAGS | IMAP_FETCH_UID | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE | IMAP_FETCH_MODSEQ | \
	 IMAP_FETCH_EMAILID | IMAP_FETCH_SAVEDATE)

enum imap_section_kind {
	IMAP_SECTION_ALL,
	IMAP_SECTION_HEADER,
	IMAP_SECTION_FIELDS,                 /* HEADER.FIELDS */
	IMAP_SECTION_FIELDS_NOT,
	IMAP_SECTION_TEXT,
	IMAP_SECTION_MIME,                   /* has a path */
};

/* What is asked of a section. */
enum imap_section_as {
	IMAP_AS_IT_IS,                       /* BODY[...], RFC822 */
	IMAP_AS_DECODED,                     /* BINARY[...], RFC 3516: kind is IMAP_SECTION_ALL */
	IMAP_AS_SIZE,                        /* BINARY.SIZE[...]: no partial */
};

struct imap_section {
	enum imap_section_kind kind;
	enum imap_section_as as;
	uint32_t *path;                      /* part numbers from 1 */
	size_t path_count;
	struct str *field;                   /* header names as written */
	size_t field_count;
	bool partial;
	uint64_t offset, count;              /* octets, with partial; count is not 0 */
	/* What stands before the data in each FETCH response: "BODY[1.HEADER.FIELDS (DATE)]<0>", or "RFC822.TEXT". */
	struct str label;
};

struct imap_fetch {
	uint32_t items;                      /* enum imap_fetch_item */
	struct imap_section *section;        /* BODY[...], BINARY[...], RFC822 and its kin, in order */
	size_t section_count;
	bool sets_seen;                      /* any section without PEEK */
	bool has_changed_since;
	uint64_t changed_since;              /* RFC 7162 3.1.4.1: implies MODSEQ in items */
	bool vanished;                       /* RFC 7162 3.2.6: never without has_changed_since */
	bool has_partial;                    /* RFC 9394 3.3 */
	struct imap_partial partial;
};

/* section-spec alone, as a URL has it ("1.2.MIME"): the whole text. No partial, no label. */
bool imap_section_text(struct imap_cursor *c, struct imap_section *out);

/* fetch-att, a macro, or a list of fetch-att; then the modifiers; everything after "FETCH sequence-set SP". */
bool imap_fetch_args(struct imap_cursor *c, struct imap_fetch *out);

/* "(" fetch-att *(SP fetch-att) ")", of NOTIFY (RFC 5465 8) and of contexts that are updated (RFC 5465 7). Macros are none. */
bool imap_fetch_list(struct imap_cursor *c, struct imap_fetch *out);

#endif
