/* The level of the store. FORMAT is its durable truth, read as the store is opened; a row in the table of counters tells processes that have it
 * open already. It is written after FORMAT: when somebody writes records of a level, older programs refuse the store already. */
#include "base/bytes.h"
#include "store/engine_lmdb/dir.h"
#include "store/engine_lmdb/lmdb_store.h"

static const char name[] = "level";

static MDB_val name_val(void) { return val_of_str(str_make(name, sizeof name - 1)); }

/* The greater of what is known and what the row says. */
static unsigned level_in(struct lmdb_store *s, MDB_txn *txn)
{
	unsigned known = atomic_load_explicit(&s->level, memory_order_relaxed);
	MDB_val key = name_val(), value;
	if (known >= STORE_LEVEL_NEWEST || mdb_get(txn, s->counters, &key, &value) || value.mv_size != 4)
		return known;
	uint32_t row = load_le32(value.mv_data);
	return row > known && row <= STORE_LEVEL_NEWEST ? row : known;
}

unsigned lmdb_level(struct store *store)
{
	struct lmdb_store *s = lmdb_of(store);
	unsigned known = atomic_load_explicit(&s->level, memory_order_relaxed);
	struct store_read *r;
	MDB_txn *txn;
	if (known >= STORE_LEVEL_NEWEST || lmdb_begin_raw(s, &r, &txn))
		return known;
	unsigned level = level_in(s, txn);
	lmdb_end(r);
	/* only ever a committed one, so it may be remembered */
	while (known < level && !atomic_compare_exchange_weak(&s->level, &known, level))
		;
	return level;
}

unsigned lmdb_write_level(struct store_write *write)
{
	struct lmdb_write *w = (struct lmdb_write *)write;
	if (!w->level)
		w->level = level_in(lmdb_of(write->store), w->txn);
	return w->level;
}

static int note_level(struct lmdb_write *w, void *arg)
{
	uint8_t le[4];
	MDB_val key = name_val(), value = { .mv_size = sizeof le, .mv_data = le };
	store_le32(le, *(const unsigned *)arg);
	w->changed = true;
	return write_fail(w, mdb_put(w->txn, lmdb_of(w->base.store)->counters, &key, &value, 0));
}

int lmdb_raise_level(struct store *store, unsigned level)
{
	struct lmdb_store *s = lmdb_of(store);
	struct err e = { .code = 0 };
	int rc = dir_write_format(s->dir, level, &e);
	if (rc == 0)
		rc = lmdb_commit_raw(s, note_level, &level);
	if (rc == 0)
		lmdb_level(store);
	return rc;
}
