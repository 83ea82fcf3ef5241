/* GETMETADATA and SETMETADATA: RFC 5464 sections 3.2, 4 and 5. For one thread. */
#ifndef CODEC_IMAP_METADATA_ARGS_H
#define CODEC_IMAP_METADATA_ARGS_H

#include "codec/imap/cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum imap_metadata_depth { IMAP_DEPTH_0, IMAP_DEPTH_1, IMAP_DEPTH_INFINITY };

struct imap_get_metadata {
	struct str mailbox;              /* UTF-8; empty: the server */
	bool has_maxsize;
	uint32_t maxsize;                /* bytes */
	enum imap_metadata_depth depth;
	struct str *entry;               /* in the arena; at least one */
	size_t count;
};
/* The options may stand before the mailbox, as section 5 has it, or behind it, as the examples of 4.2 have it. Entries may stand without parentheses
 * though they are several (4.4.1). A name of one component ("/private") is taken too: below it is all there is. */
bool imap_get_metadata_args(struct imap_cursor *c, struct imap_get_metadata *out);
/* "(" entry *(SP entry) ")", for LIST (RFC 9590 5). */
bool imap_metadata_entries(struct imap_cursor *c, struct str **out, size_t *count_out);

struct imap_metadata_value {
	struct str name;
	struct str value;                /* NIL: p == NULL */
};
struct imap_set_metadata {
	struct str mailbox;              /* UTF-8; empty: the server */
	struct imap_metadata_value *v;   /* in the arena; at least one */
	size_t count;
};
bool imap_set_metadata_args(struct imap_cursor *c, struct imap_set_metadata *out);

/* Which of the two scopes: does it begin with "/private"? */
bool imap_metadata_is_private(struct str entry);
/* Is `name` the entry, or below it as far as the depth goes? */
bool imap_metadata_matches(struct str entry, enum imap_metadata_depth depth, struct str name);

#endif
