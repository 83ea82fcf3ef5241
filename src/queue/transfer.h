/* A shard's scope as bare pairs, for who takes it to another place and back (a backup); see model/transfer.h, which is the same for accounts. */
#ifndef QUEUE_TRANSFER_H
#define QUEUE_TRANSFER_H

#include "base/buf.h"
#include "queue/queue.h"

/* Is this pair taken? 1 or 0 (bodies to be given back: of the old place). *blob_out: the body it names, 0: none. Damaged records are taken. */
int queue_transfer_look(struct str key, struct str value, store_blob_id *blob_out, bool *damaged_out);
/* Changes the value for its new place: fn gives the body's id there, 0 when it is lost. 0, what fn answered, ERR_VERSION, ERR_NO_MEMORY. */
int queue_transfer_move(struct str key, struct buf *value, int (*fn)(void *arg, store_blob_id old, store_blob_id *new_out), void *arg);

#endif
