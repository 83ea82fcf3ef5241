/* What STORE asks for: RFC 3501 6.4.6, RFC 7162 3.1.3. For one thread. */
#ifndef CODEC_IMAP_STORE_ARGS_H
#define CODEC_IMAP_STORE_ARGS_H

#include "codec/imap/cursor.h"

#include <stdbool.h>
#include <stdint.h>

enum imap_store_op { IMAP_STORE_REPLACE, IMAP_STORE_ADD, IMAP_STORE_REMOVE };

struct imap_store {
	enum imap_store_op op;
	bool silent;
	struct imap_flags flags;
	bool conditional;
	uint64_t unchanged_since;
};

/* Everything after "STORE sequence-set SP". */
bool imap_store_args(struct imap_cursor *c, struct imap_store *out);

#endif
