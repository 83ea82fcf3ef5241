/* Looking through the index while it is in use, part after part: page by page as index_inspect does, but for the counts, which only the whole of a table has.
 * Each part is of the newest commit, held by a reader of LMDB for as long; keys where parts meet may be gone by the next one, and are never needed to be there. */
#include "store/engine_lmdb/index_inspect.h"
#include "store/engine_lmdb/lmdb_store.h"

#define PINS 20u                                  /* tries to read the meta page of the commit that the reader holds */

struct patrol {
	struct index_walk walk;
	const char *table;
	store_report_fn *fn;
	void *arg;
	uint64_t faults;
	struct index_table tables[INDEX_TABLES];
	bool has[INDEX_TABLES];
};

static void note_hole(void *arg, const char *what, uint64_t page, struct str from, struct str to, bool leaf)
{
	struct patrol *p = arg;
	char line[160];
	(void)from, (void)to, (void)leaf;
	p->faults++;
	snprintf(line, sizeof line, "index, table %s: page %llu: %s", p->table, (unsigned long long)page, what);
	if (p->fn)
		p->fn(p->arg, line);
}

static int note_table(void *arg, struct str key, struct str value, unsigned flags)
{
	struct patrol *p = arg;
	for (unsigned i = 0; i < INDEX_TABLES; i++)
		if (str_eq(key, str_from_c(index_table_names[i])) && (flags & INDEX_SUBTABLE)) {
			index_table_decode((const uint8_t *)value.p, &p->tables[i]);
			p->has[i] = true;
		}
	return 0;
}

/* From where the last part ended, through as many tables as so many leaves take. */
static int walk_part(struct lmdb_store *s, struct patrol *p, uint64_t leaves)
{
	struct index_walk *w = &p->walk;
	int rc = 0;
	w->pair = NULL;
	w->begin_n = s->patrol_key_n;
	memcpy(w->begin, s->patrol_key, w->begin_n);
	for (; rc == 0 && s->patrol_table < INDEX_TABLES && leaves > 0; s->patrol_table++, w->begin_n = 0) {
		p->table = index_table_names[s->patrol_table];
		w->max_leaves = leaves;
		if (p->has[s->patrol_table])
			rc = index_walk_table(w, &p->tables[s->patrol_table], false);
		if (rc)
			break;
		leaves -= w->found.leaves < leaves ? w->found.leaves : leaves;
	}
	/* Below a damaged branch no bound says how far it came. */
	bool stuck = rc == ERR_BUSY && str_eq(str_make(w->begin, w->begin_n), str_make(s->patrol_key, s->patrol_key_n));
	s->patrol_table += stuck;
	s->patrol_key_n = rc == ERR_BUSY && !stuck ? w->begin_n : 0;
	memcpy(s->patrol_key, w->begin, s->patrol_key_n);
	return rc == ERR_BUSY ? 0 : rc;
}

static int look(struct lmdb_store *s, struct patrol *p, const struct index_meta *meta, uint64_t bytes, bool *done_out)
{
	p->table = "main";
	p->walk.pair = note_table;
	int rc = index_walk_table(&p->walk, &meta->main, false);
	if (rc == 0)
		rc = walk_part(s, p, bytes / INDEX_PAGE_SIZE + 1);
	*done_out = s->patrol_table == INDEX_TABLES;
	if (rc || !*done_out)
		return rc;
	s->patrol_table = 0;
	p->table = "of free pages";
	p->walk.max_leaves = 0;
	p->walk.pair = NULL;
	return index_walk_table(&p->walk, &meta->free, true);
}

/* The root that the reader of this commit has: the file has it until two more have come. */
static int look_at(struct lmdb_store *s, uint64_t txn, struct patrol *p, uint64_t bytes, bool *done_out)
{
	struct index_picture picture;
	int rc = index_picture_open(s->dir, &picture);
	const struct index_meta *meta = &picture.meta[txn % 2];
	if (rc == 0 && (picture.fault[txn % 2] || meta->txn != txn))
		rc = ERR_RETRY;
	if (rc == 0)
		rc = index_walk_init(&p->walk, &picture.file, meta->last_page);
	if (rc == 0) {
		p->walk.hole = note_hole;
		p->walk.arg = p;
		rc = look(s, p, meta, bytes, done_out);
	}
	index_walk_fini(&p->walk);
	index_picture_close(&picture);
	return rc;
}

int lmdb_patrol(struct store *store, uint64_t bytes, store_report_fn *fn, void *arg, uint64_t *faults_out, bool *done_out)
{
	struct lmdb_store *s = lmdb_of(store);
	int rc = ERR_RETRY;
	for (unsigned i = 0; rc == ERR_RETRY && i < PINS; i++) {
		struct patrol p = { .fn = fn, .arg = arg };
		struct store_read *r;
		MDB_txn *txn;
		rc = lmdb_begin_raw(s, &r, &txn);
		if (rc)
			return rc;
		rc = look_at(s, mdb_txn_id(txn), &p, bytes, done_out);
		lmdb_end(r);
		*faults_out = p.faults;
	}
	return rc;
}
