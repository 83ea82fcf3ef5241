/* LIST and LSUB: RFC 3501 6.3.8. Any thread. */
#ifndef CODEC_IMAP_LIST_ARGS_H
#define CODEC_IMAP_LIST_ARGS_H

#include "codec/imap/cursor.h"

#include <stdbool.h>

struct imap_list {
	struct str reference;        /* UTF-8 */
	struct str pattern;          /* UTF-8, "%" and "*" are wildcards; empty: asks for the hierarchy delimiter */
};

/* mailbox SP list-mailbox: what follows "LIST SP", or the selection options of RFC 5258; return options may follow. */
bool imap_list_args(struct imap_cursor *c, struct imap_list *out);

/* Does the whole name match? "*" stands for anything, "%" for anything without the separator. A first level that is "inbox"
 * in any case matches "INBOX" (RFC 3501 5.1). Takes time proportional to name times pattern at worst. */
bool imap_list_match(struct str pattern, struct str name, char separator);

#endif
