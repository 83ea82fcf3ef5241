/* An account as bare pairs, for who takes it to another place and back (a backup): what of it is taken, which bodies it names, and what must be
 * different where it is put. A contract beside model.h; only this room knows the keys.
 *
 * Pairs are taken from one snapshot of the account's scope (store_begin, store_range), in order of their keys, and put in that order into a scope that is
 * empty or was only filled by the same transfer; nobody may use the account meanwhile. The account is there when its pairs are, and its id is
 * known (transfer_register). Pure but for that; a struct transfer belongs to one thread. */
#ifndef MODEL_TRANSFER_H
#define MODEL_TRANSFER_H

#include "base/buf.h"
#include "model/model.h"

/* Is this pair taken? 1, or 0: it is not needed elsewhere (the change log, sentences over bodies). *blob_out: the body that it names, 0: none. A damaged
 * record is taken as it is; then *damaged_out is true, and the body that it seems to name is told. */
int transfer_look(struct str key, struct str value, store_blob_id *blob_out, bool *damaged_out);

/* Which accounts there are at the moment of a read of all scopes (store_begin_all), which looks at STORE_SYSTEM: appends their ids (uint64_t), ascending. One of
 * them may lack its pairs. */
int transfer_accounts(struct store_read *r, struct buf *ids);

struct transfer {
	/* Gives the body's id in the new place, 0 when it is lost. 0, or an error that ends it. */
	int (*blob)(void *arg, store_blob_id old, store_blob_id *new_out);
	void *arg;
	/* Clients may have seen the account later than these pairs are: every mailbox gets another UIDVALIDITY, greater than any before (RFC 9051 2.3.1.1), and
	 * modseqs, email and mailbox ids go on where none can have been given. */
	bool moved_on;
	int64_t now;                                  /* unix seconds, for that */
	uint32_t uidvalidity;                         /* private: the next one */
};
/* Changes the value for its new place. 0; what blob answered; ERR_VERSION (made by a newer program). A damaged record stays as it is. */
int transfer_move(struct transfer *t, struct str key, struct buf *value);

/* Writes down that the account exists: before its pairs are put. */
int transfer_register(struct model *m, uint64_t account);
/* Sees to it that every UIDVALIDITY given from now on is greater than this one. */
int transfer_raise_uidvalidity(struct account *a, uint32_t at_least);

#endif
