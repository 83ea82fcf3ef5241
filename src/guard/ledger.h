/* A bounded table of small facts that are found by a hash: who was here, when, how often. A full bucket forgets what was touched longest ago.
 * A durable ledger is read whole from the store's system scope when it is opened; what changes is written by ledger_flush, buckets at a time
 * (doc/format/guard.md), so a crash loses what came since. Any thread. Lock: one for each ledger, a leaf, never held over the store. */
#ifndef GUARD_LEDGER_H
#define GUARD_LEDGER_H

#include "base/err.h"
#include "base/str.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct ledger;
struct ledger_entry {
	uint64_t hash;               /* 0: free */
	uint32_t touched;            /* unix seconds; kept by whoever changes the entry */
	uint32_t a, b, c;            /* what they mean is the user's affair */
};

/* store NULL: in memory only. kind: which ledger this is, in its keys. buckets: a power of two, at most 65536. */
int ledger_open(struct store *s, char kind, unsigned buckets, struct ledger **out);
/* Nothing is flushed. Accepts NULL. */
void ledger_close(struct ledger **l);

/* The entry of that hash, or with make a fresh one (zeroed but for the hash, touched now), or NULL. In every case the ledger is locked until
 * ledger_release, so be quick. */
struct ledger_entry *ledger_hold(struct ledger *l, uint64_t hash, bool make, int64_t now);
/* changed: the entry of this hash is to be written. */
void ledger_release(struct ledger *l, uint64_t hash, bool changed);

/* Forgets what was not touched since before. */
void ledger_sweep(struct ledger *l, int64_t before);
/* Writes what changed. On failure the rest stays to be written. */
int ledger_flush(struct ledger *l);
size_t ledger_count(struct ledger *l);

#endif
