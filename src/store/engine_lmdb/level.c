/* The level of the store. FORMAT is its durable truth, read as the store is opened; a row in the table of counters tells processes that have it
 * open already. It is written after FORMAT: when somebody writes records of a level, older programs refuse the store already. */
#include "base/bytes.h"
#include "store/engine_lmdb/dir.h"
#include "store/engine_lmdb/blob_index.h"
#include "store/engine_lmdb/sums.h"

#define LEVEL_SIZE 4u

static const char name[] = "level";

static MDB_val name_val(void) { return val_of_str(str_make(name, sizeof name - 1)); }

/* The greater of what is known and what the row says. */
static unsigned level_in(struct lmdb_store *s, MDB_txn *txn)
{
	unsigned known = atomic_load_explicit(&s->level, memory_order_relaxed);
	MDB_val key = name_val(), value;
	if (known >= STORE_LEVEL_NEWEST || mdb_get(txn, s->counters, &key, &value) || !index_row_ok(key, value, LEVEL_SIZE))
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
	unsigned level = *(const unsigned *)arg;
	uint8_t le[LEVEL_SIZE + SUM_SIZE];
	MDB_val key = name_val(), value = { .mv_size = LEVEL_SIZE, .mv_data = le };
	store_le32(le, level);
	/* Programs that know no level 3 have to read it where it says less. */
	if (level >= 3) {
		store_le32(le + LEVEL_SIZE, sum_of(key, value));
		value.mv_size += SUM_SIZE;
	}
	w->changed = true;
	return write_fail(w, mdb_put(w->txn, lmdb_of(w->base.store)->counters, &key, &value, 0));
}

int level_note(struct lmdb_store *s, unsigned level) { return lmdb_commit_raw(s, note_level, &level); }

unsigned level_noted(struct lmdb_store *s)
{
	struct store_read *r;
	MDB_txn *txn;
	MDB_val key = name_val(), value;
	unsigned level = 0;
	if (lmdb_begin_raw(s, &r, &txn))
		return 0;
	if (mdb_get(txn, s->counters, &key, &value) == 0 && index_row_ok(key, value, LEVEL_SIZE))
		level = load_le32(value.mv_data);
	lmdb_end(r);
	return level <= STORE_LEVEL_NEWEST ? level : 0;
}

int lmdb_raise_level(struct store *store, unsigned level)
{
	struct lmdb_store *s = lmdb_of(store);
	struct err e = { .code = 0 };
	int rc = dir_write_format(s->dir, level, &e);
	if (rc == 0)
		rc = level_note(s, level);
	if (rc == 0)
		lmdb_level(store);
	return rc;
}
