/* Puts a received message into accounts: parses it once, stores it once, commits it per account in one group.
 * Threads: any. Knows no socket and no protocol. Sieve and filters come in here later. */
#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "model/model.h"

#include <stdint.h>

/* One final recipient, as directory_resolve found it. */
struct deliver_recipient {
	uint64_t account;
	struct str detail;                 /* subaddress */
	int result;                        /* out: 0 durable, else why not: ERR_QUOTA, ERR_NOT_FOUND, temporary ... */
};
/* message: the whole of it with its trace fields, CRLF line ends, as it will be read for ever. Accounts that appear
 * twice get it once. Returns 0 when all results are 0, else the first that is not; results of the others stand. Nothing
 * is stored when nobody could take it. */
int deliver_message(struct model *m, struct str message, int64_t received, struct deliver_recipient *r, size_t n,
					struct err *e);
/* The same into the mailbox of that name where an account has one (empty: INBOX). */
int deliver_message_into(struct model *m, struct str mailbox, struct str message, int64_t received, struct deliver_recipient *r, size_t n,
						 struct err *e);

/* The same first half for APPEND and import: parses and stores for one account; fills a->blob, size, summary (in the
 * arena). */
int deliver_prepare(struct model *m, uint64_t account, struct arena *arena, struct str message, struct append *a,
					struct err *e);

/* Line ends of an imported file become CRLF; the rest stays. Appends to out. */
void deliver_normalise(struct str raw, struct buf *out);

#endif
