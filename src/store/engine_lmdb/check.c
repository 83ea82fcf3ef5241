/* The index read whole: every pair of every table must have the shape that it should. */
#include "store/engine_lmdb/check.h"

#include "base/bytes.h"
#include "store/engine_lmdb/blob_area.h"
#include "store/engine_lmdb/blob_index.h"
#include "store/engine_lmdb/dir.h"
#include "store/engine_lmdb/sums.h"

#include <stdarg.h>

#define BAD_ROWS 32u                              /* mended at once; more need another repair */
#define PAIRS_AT_ONCE 4096                        /* in one read transaction, which keeps old pages from being reused */

void check_fault(struct check *c, const char *format, ...)
{
	char line[256];
	va_list ap;
	va_start(ap, format);
	vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	c->faults++;
	if (c->report)
		c->report(c->report_arg, line);
}

void check_note(struct check *c, const char *format, ...)
{
	char line[256] = "note: ";
	va_list ap;
	va_start(ap, format);
	vsnprintf(line + 6, sizeof line - 6, format, ap);
	va_end(ap);
	if (c->report)
		c->report(c->report_arg, line);
}

/* NULL when the pair is as it should be, otherwise what is wrong. */
typedef const char *pair_fn(struct check *c, MDB_txn *txn, MDB_val key, MDB_val value);

static const char *pair_kv(struct check *c, MDB_txn *txn, MDB_val key, MDB_val value)
{
	const uint8_t *k = key.mv_data;
	if (key.mv_size <= SCOPE_PREFIX || key.mv_size > SCOPE_PREFIX + STORE_KEY_MAX)
		return "a key of impossible length";
	if (k[0] != STORE_SYSTEM && k[0] != STORE_ACCOUNT && k[0] != STORE_QUEUE)
		return "a key in no known kind of scope";
	if (value.mv_size > STORE_VALUE_MAX)
		return "a value of impossible length";
	MDB_val scope = { .mv_size = SCOPE_PREFIX, .mv_data = key.mv_data }, version;
	if (mdb_get(txn, c->s->versions, &scope, &version))
		return check_no_version;
	return sums_judge(c->s, txn, key, value) == MDB_CORRUPTED ? check_sum_wrong : NULL;
}

/* A row that no value fits is told of with the value. */
static const char *pair_sums(struct check *c, MDB_txn *txn, MDB_val key, MDB_val value)
{
	MDB_val of;
	if (key.mv_size <= SCOPE_PREFIX || key.mv_size > SCOPE_PREFIX + STORE_KEY_MAX || *(const uint8_t *)key.mv_data != STORE_SYSTEM || value.mv_size != SUM_SIZE)
		return "not a checksum";
	return mdb_get(txn, c->s->kv, &key, &of) ? "the checksum of a value that is missing" : NULL;
}

static const char *pair_versions(struct check *c, MDB_txn *txn, MDB_val key, MDB_val value)
{
	(void)c, (void)txn;
	return key.mv_size == SCOPE_PREFIX && index_row_ok(key, value, 8) && load_le64(value.mv_data) > 0 ? NULL : "not a version";
}

static const char *pair_counters(struct check *c, MDB_txn *txn, MDB_val key, MDB_val value)
{
	(void)c, (void)txn;
	return index_row_ok(key, value, 4) ? NULL : "not a counter";
}

static const char *pair_segments(struct check *c, MDB_txn *txn, MDB_val key, MDB_val value)
{
	(void)c, (void)txn;
	if (key.mv_size != 4 || !index_row_ok(key, value, 24))
		return "not a segment";
	uint32_t state = load_le32(value.mv_data);
	return state >= 1 && state <= 4 ? NULL : "a segment in no known state";
}

static const char *pair_tags(struct check *c, MDB_txn *txn, MDB_val key, MDB_val value)
{
	(void)c, (void)txn;
	return key.mv_size == 16 && index_row_ok(key, value, 1) ? NULL : "not a tag";
}

static const char *pair_dead(struct check *c, MDB_txn *txn, MDB_val key, MDB_val value)
{
	(void)c, (void)txn;
	return key.mv_size == 8 && index_row_ok(key, value, 16) ? NULL : "not an entry of a dead blob";
}

static const char *pair_moved(struct check *c, MDB_txn *txn, MDB_val key, MDB_val value)
{
	(void)c, (void)txn;
	return key.mv_size == 8 && index_row_ok(key, value, 8) ? NULL : "not a place";
}

/* Reads every byte, so that a page that the disk cannot give is found now. */
static void touch(MDB_val v)
{
	const volatile uint8_t *p = v.mv_data;
	for (size_t i = 0; i < v.mv_size; i += 512)
		(void)p[i];
}

static void report_pair(struct check *c, const char *table, MDB_val key, MDB_val value, const char *what, bool mend)
{
	char hex[2 * 32 + 1] = "";
	for (size_t i = 0; i < key.mv_size && i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", ((const uint8_t *)key.mv_data)[i]);
	char bytes[2 * 32 + 1] = "";
	/* Of a record above there may be secrets in it. */
	for (size_t i = 0; mend && what != check_sum_wrong && what != check_no_version && i < value.mv_size && i < 32; i++)
		snprintf(bytes + 2 * i, 3, "%02x", ((const uint8_t *)value.mv_data)[i]);
	const char *done = !mend ? "" : what == check_no_version ? "; mended" : what == check_sum_wrong ? "; taken out, a copy is in quarantine" : "; taken out, it was ";
	check_fault(c, "index table %s, key %s: %s%s%s", table, hex, what, done, bytes);
}

struct place_in_table {
	size_t n;                         /* 0: the start */
	uint8_t key[512];
};

/* Rows about blobs that are no rows. What they said is found out from the segments. */
struct bad_rows {
	struct check *c;
	MDB_dbi dbi;
	pair_fn *judge;
	size_t n;
	struct place_in_table v[BAD_ROWS];
};

static int drop_bad_rows(struct lmdb_write *w, void *arg)
{
	const struct bad_rows *bad = arg;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < bad->n; i++) {
		MDB_val key = { .mv_size = bad->v[i].n, .mv_data = (void *)(uintptr_t)bad->v[i].key }, value;
		rc = mdb_get(w->txn, bad->dbi, &key, &value);
		if (rc == 0 && bad->judge(bad->c, w->txn, key, value)) {
			w->changed = true;
			rc = mdb_del(w->txn, bad->dbi, &key, NULL);
			/* Of a sum the value is lost, perhaps a counter. */
			if (rc == 0 && bad->dbi == bad->c->s->sums && key.mv_size > SCOPE_PREFIX && key.mv_size < FULL_KEY_MAX)
				rc = lmdb_note_wound(w, str_of_val(key)) ? MDB_BAD_TXN : 0;
		}
		if (rc == MDB_NOTFOUND)
			rc = 0;
	}
	return write_fail(w, rc);
}

static int mend_rows(struct bad_rows *bad)
{
	struct check *c = bad->c;
	int rc = 0;
	if (bad->n == 0)
		return 0;
	if (bad->dbi == c->s->kv) {
		for (size_t i = 0; rc == 0 && i < bad->n; i++) {
			struct str key = str_make(bad->v[i].key, bad->v[i].n);
			rc = check_drop_value(c->s, key);
			if (rc == 0)
				rc = check_mend_version(c->s, key);
		}
		return rc;
	}
	c->places_lost |= bad->dbi == c->s->moved;
	c->counters_lost |= bad->dbi == c->s->counters || bad->dbi == c->s->segments;
	return lmdb_commit_raw(c->s, drop_bad_rows, bad);
}

/* Some pairs from where the last call ended. 1: there are more. */
static int check_some(struct check *c, const char *table, MDB_dbi dbi, pair_fn *judge, struct place_in_table *at)
{
	struct bad_rows bad = { .c = c, .dbi = dbi, .judge = judge };
	bool derived = dbi != c->s->kv;
	struct store_read *r;
	MDB_txn *txn;
	int rc = lmdb_begin_raw(c->s, &r, &txn);
	if (rc)
		return rc;
	MDB_cursor *cursor;
	rc = mdb_cursor_open(txn, dbi, &cursor);
	if (rc) {
		lmdb_end(r);
		return lmdb_code(rc);
	}
	int kept = 0;
	MDB_val key = { .mv_size = at->n, .mv_data = at->key }, value;
	rc = mdb_cursor_get(cursor, &key, &value, at->n ? MDB_SET_RANGE : MDB_FIRST);
	for (size_t n = 0; rc == 0 && n < PAIRS_AT_ONCE; n++) {
		touch(value);
		const char *wrong = judge(c, txn, key, value);
		if (wrong) {
			bool mend = c->repair && (derived || wrong == check_sum_wrong || wrong == check_no_version) && bad.n < BAD_ROWS && key.mv_size <= sizeof at->key;
			report_pair(c, table, key, value, wrong, mend);
			if (mend && wrong == check_sum_wrong && (kept = check_keep_value(c->s, key, value)))
				break;
			if (mend) {
				bad.v[bad.n].n = key.mv_size;
				memcpy(bad.v[bad.n++].key, key.mv_data, key.mv_size);
			}
		}
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	if (rc == 0 && key.mv_size <= sizeof at->key) {
		at->n = key.mv_size;
		memcpy(at->key, key.mv_data, key.mv_size);
	}
	mdb_cursor_close(cursor);
	lmdb_end(r);
	int mended = kept ? kept : mend_rows(&bad);
	if (mended)
		return mended;
	if (rc == 0)
		return 1;
	return rc == MDB_NOTFOUND ? 0 : lmdb_code(rc);
}

int check_index(struct check *c)
{
	const struct {
		const char *name;
		MDB_dbi dbi;
		pair_fn *judge;
	} tables[] = {
		/* Before the keys: a version that is taken out is made anew there. */
		{ "versions", c->s->versions, pair_versions },
		{ "kv", c->s->kv, pair_kv },
		{ "counters", c->s->counters, pair_counters },
		{ "segments", c->s->segments, pair_segments },
		{ "tags", c->s->tags, pair_tags },
		{ "dead", c->s->dead, pair_dead },
		{ "moved", c->s->moved, pair_moved },
		{ "sums", c->s->sums, pair_sums },
	};
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		struct place_in_table at = { .n = 0 };
		int rc = 0;
		while (tables[i].dbi && (rc = check_some(c, tables[i].name, tables[i].dbi, tables[i].judge, &at)) == 1)
			;
		if (rc)
			return rc;
	}
	return 0;
}

/* FORMAT is raised before the row, so it never says less. */
static int check_level(struct check *c)
{
	unsigned format, noted = level_noted(c->s);
	int rc = dir_read_format(c->s->dir, &format);
	if (rc || format >= noted)
		return rc;
	check_fault(c, "FORMAT says level %u, the index level %u%s", format, noted, c->repair ? "; mended" : "");
	return c->repair ? dir_write_format(c->s->dir, noted, NULL) : 0;
}

int lmdb_check(struct store *s, bool repair, store_report_fn *fn, void *arg, uint64_t *faults_out)
{
	struct check c = { .s = lmdb_of(s), .repair = repair, .report = fn, .report_arg = arg };
	pthread_mutex_lock(&c.s->blobs->maintain);
	/* Of no scope: rows about blobs. */
	c.places_lost = lmdb_wounded(s, (struct store_scope){ 0 });
	uint64_t wounds = lmdb_count_wounds(c.s);
	if (wounds)
		check_fault(&c, "index: it was salvaged, and what is missing was not yet made up for (%llu stretches)", (unsigned long long)wounds);
	int rc = check_level(&c);
	if (rc == 0)
		rc = check_index(&c);
	if (rc == 0 && c.counters_lost && c.repair)
		rc = check_mend_counters(c.s);
	if (rc == 0)
		rc = check_segments(&c);
	pthread_mutex_unlock(&c.s->blobs->maintain);
	*faults_out = c.faults;
	return rc;
}
