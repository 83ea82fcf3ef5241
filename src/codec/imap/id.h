/* ID: RFC 2971. For one thread. */
#ifndef CODEC_IMAP_ID_H
#define CODEC_IMAP_ID_H

#include "codec/imap/cursor.h"

#include <stdbool.h>
#include <stddef.h>

struct imap_id_pair {
	struct str name;
	struct str value;            /* NIL: p == NULL */
};

/* NIL (no pairs), or a list of pairs. More than the limits of RFC 2971 3.3 is an error. Pairs are in the arena. */
bool imap_id_args(struct imap_cursor *c, struct imap_id_pair **out, size_t *count_out);

#endif
