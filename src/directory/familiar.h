/* The networks that a user has logged in from lately: who comes from one of them is not slowed when others guess at the account from everywhere.
 * Pure: records of doc/format/directory.md as bytes. Any thread. */
#ifndef DIRECTORY_FAMILIAR_H
#define DIRECTORY_FAMILIAR_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Is the network (a keyed hash) in the record? *fresh_out: noted so lately that it need not be written again. today: days since 1970. */
bool familiar_has(struct str record, uint64_t network, uint32_t today, bool *fresh_out);
/* The record with the network as its newest; old is what stood there, or empty. Appends to out. */
void familiar_add(struct str old, uint64_t network, uint32_t today, struct buf *out);

#endif
