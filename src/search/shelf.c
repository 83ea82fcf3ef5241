#include "search/shelf.h"

#include "base/bytes.h"
#include "search/limits.h"
#include "search/stem_list.h"

#include <sqlite3.h>
#include <unicode/uchar.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define FORMAT 5u                                 /* what chunk.h, words.h, the folding and the stems do */
#define BUSY_READING_MS 500
#define BUSY_WRITING_MS 30000
#define STEPS_BETWEEN_LOOKS 1000                  /* of SQLite's machine, until it looks whether it should stop */

enum statement {
	BEGIN_READ, BEGIN_WRITE, COMMIT, ROLLBACK, STATE, SET_STATE, CHUNKS, CHUNK_EMAILS, PUT_CHUNK, DROP_CHUNK, DROP_BLOCKS, PUT_BLOCK, BLOCK, POSTS, TERMS,
	PUT_UNREAD, UNREAD, PUT_ATTACHED, ATTACHED, PUT_STEMS, RANKED, HAS_STEM, STEMS, COUNTS, STATEMENTS
};
/* The id of a block is that of the chunk, the field, the number of the block: shelf_terms reads them in order. */
static const char *const texts[STATEMENTS] = {
	[BEGIN_READ] = "BEGIN",
	[BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[STATE] = "SELECT known_below, chunk_next, emails, made FROM state",
	[SET_STATE] = "UPDATE state SET known_below = ?1, chunk_next = ?2, emails = ?3",
	[CHUNKS] = "SELECT id, n FROM chunks ORDER BY id",
	[CHUNK_EMAILS] = "SELECT emails FROM chunks WHERE id = ?1",
	[PUT_CHUNK] = "INSERT INTO chunks(id, n, emails) VALUES(?1, ?2, ?3)",
	[DROP_CHUNK] = "DELETE FROM chunks WHERE id = ?1",
	[DROP_BLOCKS] = "DELETE FROM blocks WHERE id >= ?1 AND id < ?2",
	[PUT_BLOCK] = "INSERT INTO blocks(id, crc_terms, crc_posts, terms, lens, posts) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[BLOCK] = "SELECT crc_terms, crc_posts, terms, lens, posts FROM blocks WHERE id = ?1",
	[POSTS] = "SELECT crc_posts, lens, posts FROM blocks WHERE id = ?1",
	[TERMS] = "SELECT id, crc_terms, terms FROM blocks WHERE id >= ?1 AND id < ?2 ORDER BY id",
	[PUT_UNREAD] = "INSERT OR IGNORE INTO unread(email) VALUES(?1)",
	[UNREAD] = "SELECT email FROM unread ORDER BY email",
	[PUT_ATTACHED] = "INSERT OR REPLACE INTO attached(email, text) VALUES(?1, ?2)",
	[ATTACHED] = "SELECT text FROM attached WHERE email = ?1",
	[PUT_STEMS] = "INSERT INTO stems(rowid, subject, sender, receiver, cc, bcc, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[RANKED] = "SELECT rowid, -bm25(stems, 4.0, 3.0, 2.0, 1.0, 1.0, 1.0) FROM stems WHERE stems MATCH ?1 ORDER BY 2 DESC",
	[HAS_STEM] = "SELECT 1 FROM vocabulary WHERE term = ?1",
	[STEMS] = "SELECT term, doc FROM vocabulary WHERE term >= ?1 AND term < ?2",
	[COUNTS] = "SELECT page_count * page_size, (SELECT count(*) FROM chunks), (SELECT count(*) FROM unread), (SELECT count(*) FROM attached) FROM pragma_page_count, pragma_page_size",
};

/* detail=full keeps a byte for each time a word stands there: bm25 counts them. There are no phrases: the words come sorted. */
static const char schema[] =
	"CREATE TABLE IF NOT EXISTS state(one INTEGER PRIMARY KEY CHECK(one = 1), known_below INTEGER, chunk_next INTEGER, emails INTEGER, made INTEGER);"
	"INSERT OR IGNORE INTO state VALUES(1, 0, 1, 0, random());"
	"CREATE TABLE IF NOT EXISTS chunks(id INTEGER PRIMARY KEY, n INTEGER, emails BLOB);"
	"CREATE TABLE IF NOT EXISTS blocks(id INTEGER PRIMARY KEY, crc_terms INTEGER, crc_posts INTEGER, terms BLOB, lens BLOB, posts BLOB);"
	"CREATE TABLE IF NOT EXISTS unread(email INTEGER PRIMARY KEY);"
	"CREATE TABLE IF NOT EXISTS attached(email INTEGER PRIMARY KEY, text BLOB);"
	"CREATE VIRTUAL TABLE IF NOT EXISTS stems USING fts5(subject, sender, receiver, cc, bcc, body, content='', tokenize='stems');"
	"CREATE VIRTUAL TABLE IF NOT EXISTS vocabulary USING fts5vocab(stems, row);";

struct shelf {
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENTS];
	struct buf scratch;
	const _Atomic bool *hurry;       /* NULL: there is time */
};

static int code_of(int sqlite)
{
	switch (sqlite & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE: return 0;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return ERR_CORRUPT;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return ERR_BUSY;
	case SQLITE_NOMEM: return ERR_NO_MEMORY;
	case SQLITE_FULL: return ERR_NO_SPACE;
	case SQLITE_INTERRUPT: return ERR_CLOSED;
	case SQLITE_ERROR:
	case SQLITE_SCHEMA: return ERR_BUSY;              /* a statement of ours that does not fit the file: it is being made anew */
	default: return ERR_IO;
	}
}

/* ---- statements ---- */

static sqlite3_stmt *statement(struct shelf *s, enum statement which)
{
	if (!s->statement[which] && sqlite3_prepare_v3(s->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, &s->statement[which], NULL) != SQLITE_OK)
		return NULL;
	sqlite3_reset(s->statement[which]);
	return s->statement[which];
}

/* 1: a row; 0: done; or an error. After anything but a row the statement is reset, so that it holds no snapshot. */
static int step(struct shelf *s, sqlite3_stmt *st)
{
	if (!st)
		return code_of(sqlite3_errcode(s->db));
	int r = sqlite3_step(st);
	if (r == SQLITE_ROW)
		return 1;
	sqlite3_reset(st);
	return code_of(r);
}

static int run(struct shelf *s, enum statement which)
{
	int r = step(s, statement(s, which));
	return r > 0 ? 0 : r;
}

static void bind_int(sqlite3_stmt *st, int at, uint64_t v)
{
	if (st)
		sqlite3_bind_int64(st, at, (sqlite3_int64)v);
}

static void bind_bytes(sqlite3_stmt *st, int at, struct str v)
{
	if (st)
		sqlite3_bind_blob64(st, at, v.p ? v.p : "", v.n, SQLITE_STATIC);
}

static void bind_text(sqlite3_stmt *st, int at, struct str v)
{
	if (st)
		sqlite3_bind_text64(st, at, v.p ? v.p : "", v.n, SQLITE_STATIC, SQLITE_UTF8);
}

static uint64_t column_int(sqlite3_stmt *st, int at) { return (uint64_t)sqlite3_column_int64(st, at); }

static struct str column_bytes(sqlite3_stmt *st, int at)
{
	const void *p = sqlite3_column_blob(st, at);
	return str_make(p, p ? (size_t)sqlite3_column_bytes(st, at) : 0);
}

/* ---- opening ---- */

/* Unicode's classes are part of what was written. */
static unsigned format_now(void)
{
	UVersionInfo v;
	u_getUnicodeVersion(v);
	return FORMAT << 16 | (unsigned)v[0] << 8 | v[1];
}

static int read_pragma(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	int r = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
	if (r == SQLITE_OK && (r = sqlite3_step(st)) == SQLITE_ROW) {
		*out = sqlite3_column_int64(st, 0);
		r = SQLITE_OK;
	}
	sqlite3_finalize(st);
	return code_of(r);
}

static int check_format(struct shelf *s, bool for_writing)
{
	int64_t format = 0;
	int r = read_pragma(s->db, "PRAGMA user_version", &format);
	if (r || format == format_now())
		return r;
	if (format || !for_writing)
		return format ? ERR_VERSION : ERR_NOT_FOUND;
	char text[64];
	snprintf(text, sizeof text, "PRAGMA user_version = %u", format_now());
	r = code_of(sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL));
	if (!r)
		r = code_of(sqlite3_exec(s->db, schema, NULL, NULL, NULL));
	if (!r)
		r = code_of(sqlite3_exec(s->db, text, NULL, NULL, NULL));
	if (!r)
		r = code_of(sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL));
	return r;
}

static int set_up(struct shelf *s, bool for_writing)
{
	char pragmas[256];
	snprintf(pragmas, sizeof pragmas,
	         "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;"
	         "PRAGMA cache_size = -%d; PRAGMA journal_size_limit = 4194304", PAGE_CACHE_KB);
	sqlite3_busy_timeout(s->db, for_writing ? BUSY_WRITING_MS : BUSY_READING_MS);
	int r = code_of(stem_list_tokenizer(s->db));
	if (!r)
		r = code_of(sqlite3_exec(s->db, pragmas, NULL, NULL, NULL));
	return r ? r : check_format(s, for_writing);
}

int shelf_open(const char *path, bool for_writing, struct shelf **out, struct err *e)
{
	*out = NULL;
	if (!for_writing && access(path, F_OK))
		return ERR_NOT_FOUND;
	struct shelf *s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NO_MEMORY;
	buf_init(&s->scratch, 0);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (for_writing ? SQLITE_OPEN_CREATE : 0);
	int r = sqlite3_open_v2(path, &s->db, flags, NULL);
	r = r == SQLITE_OK ? set_up(s, for_writing) : code_of(r);
	if (r) {
		err_set(e, r, NULL, "%s: %s", path, s->db && r != ERR_VERSION ? sqlite3_errmsg(s->db) : err_text(r));
		shelf_close(&s);
	}
	*out = s;
	return r;
}

void shelf_hurry_when(struct shelf *s, const _Atomic bool *hurry) { s->hurry = hurry; }

static int must_stop(void *stop) { return *(const _Atomic bool *)stop; }

void shelf_stop_when(struct shelf *s, const _Atomic bool *stop)
{
	s->hurry = stop;
	sqlite3_progress_handler(s->db, STEPS_BETWEEN_LOOKS, must_stop, (void *)(uintptr_t)stop);
}

void shelf_close(struct shelf **s)
{
	if (!s || !*s)
		return;
	for (unsigned i = 0; i < STATEMENTS; i++)
		sqlite3_finalize((*s)->statement[i]);
	if ((*s)->hurry && *(*s)->hurry)
		sqlite3_db_config((*s)->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close((*s)->db);
	buf_fini(&(*s)->scratch);
	free(*s);
	*s = NULL;
}

int shelf_reset(const char *path, struct err *e)
{
	sqlite3 *db = NULL;
	int64_t ignored;
	int r = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_CREATE, NULL);
	if (r == SQLITE_OK) {
		sqlite3_busy_timeout(db, BUSY_WRITING_MS);
		/* It must have looked at the file, with whatever result, to know about its log. */
		read_pragma(db, "PRAGMA schema_version", &ignored);
		sqlite3_db_config(db, SQLITE_DBCONFIG_RESET_DATABASE, 1, 0);
		r = sqlite3_exec(db, "VACUUM", NULL, NULL, NULL);
		sqlite3_db_config(db, SQLITE_DBCONFIG_RESET_DATABASE, 0, 0);
	}
	if (r != SQLITE_OK)
		err_set(e, code_of(r), NULL, "%s: %s", path, db ? sqlite3_errmsg(db) : err_text(ERR_NO_MEMORY));
	sqlite3_close(db);
	return code_of(r);
}

int shelf_remove(const char *path, struct err *e)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char name[1100];
	int r = 0;
	for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
		snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
		if (unlink(name) && errno != ENOENT)
			r = err_from_errno(e, errno, "cannot remove %s", name);
	}
	return r;
}

/* ---- transactions ---- */

int shelf_begin(struct shelf *s, bool for_writing) { return run(s, for_writing ? BEGIN_WRITE : BEGIN_READ); }

int shelf_commit(struct shelf *s) { return run(s, COMMIT); }

void shelf_rollback(struct shelf *s)
{
	for (unsigned i = 0; i < STATEMENTS; i++)
		if (s->statement[i])
			sqlite3_reset(s->statement[i]);
	if (!sqlite3_get_autocommit(s->db))
		run(s, ROLLBACK);
}

int shelf_clear(struct shelf *s)
{
	return code_of(sqlite3_exec(s->db, "DELETE FROM blocks; DELETE FROM chunks; DELETE FROM unread; DELETE FROM attached;"
	                            "INSERT INTO stems(stems) VALUES('delete-all'); UPDATE state SET known_below = 0, emails = 0", NULL, NULL, NULL));
}

int shelf_state(struct shelf *s, struct shelf_state *out)
{
	sqlite3_stmt *st = statement(s, STATE);
	int r = step(s, st);
	if (r <= 0)
		return r ? r : ERR_CORRUPT;
	*out = (struct shelf_state){ column_int(st, 0), column_int(st, 1), column_int(st, 2), column_int(st, 3) };
	sqlite3_reset(st);
	return 0;
}

int shelf_set_state(struct shelf *s, const struct shelf_state *state)
{
	sqlite3_stmt *st = statement(s, SET_STATE);
	bind_int(st, 1, state->known_below);
	bind_int(st, 2, state->chunk_next);
	bind_int(st, 3, state->emails);
	return step(s, st);
}

/* ---- chunks ---- */

/* A growing array of fixed-size things. */
static bool add(void **array, size_t *n, size_t size, const void *one)
{
	if ((*n & (*n - 1)) == 0) {
		void *more = reallocarray(*array, *n ? *n * 2 : 1, size);
		if (!more)
			return false;
		*array = more;
	}
	memcpy((char *)*array + (*n)++ * size, one, size);
	return true;
}

int shelf_chunks(struct shelf *s, struct shelf_chunk **out, size_t *n_out)
{
	void *all = NULL;
	*n_out = 0;
	sqlite3_stmt *st = statement(s, CHUNKS);
	int r;
	while ((r = step(s, st)) > 0) {
		struct shelf_chunk c = { column_int(st, 0), (uint32_t)column_int(st, 1) };
		if (c.emails == 0 || c.emails > CHUNK_EMAILS_MAX || !add(&all, n_out, sizeof(c), &c)) {
			r = c.emails && c.emails <= CHUNK_EMAILS_MAX ? ERR_NO_MEMORY : ERR_CORRUPT;
			sqlite3_reset(st);
			break;
		}
	}
	if (r) {
		free(all);
		all = NULL;
		*n_out = 0;
	}
	*out = all;
	return r;
}

int shelf_chunk_emails(struct shelf *s, const struct shelf_chunk *c, uint64_t *emails)
{
	sqlite3_stmt *st = statement(s, CHUNK_EMAILS);
	bind_int(st, 1, c->id);
	int r = step(s, st);
	if (r <= 0)
		return r ? r : ERR_CORRUPT;
	struct cursor at = cursor_make(column_bytes(st, 0));
	uint64_t last = 0;
	for (uint32_t i = 0; i < c->emails; i++) {
		uint64_t more = cursor_varint(&at);
		at.bad |= more == 0 || more > UINT64_MAX - last;
		emails[i] = last += more;
	}
	r = at.bad || cursor_left(&at) ? ERR_CORRUPT : 0;
	sqlite3_reset(st);
	return r;
}

int shelf_put_chunk(struct shelf *s, uint64_t id, const uint64_t *emails, uint32_t n)
{
	uint64_t last = 0;
	buf_reset(&s->scratch);
	for (uint32_t i = 0; i < n; last = emails[i++])
		buf_add_varint(&s->scratch, emails[i] - last);
	if (s->scratch.failed)
		return ERR_NO_MEMORY;
	sqlite3_stmt *st = statement(s, PUT_CHUNK);
	bind_int(st, 1, id);
	bind_int(st, 2, n);
	bind_bytes(st, 3, buf_str(&s->scratch));
	return step(s, st);
}

static uint64_t block_id(uint64_t chunk, enum field field, uint32_t number) { return (chunk << 24) + ((uint64_t)field << 20) + number; }

int shelf_drop_chunk(struct shelf *s, uint64_t id)
{
	sqlite3_stmt *st = statement(s, DROP_BLOCKS);
	bind_int(st, 1, block_id(id, 0, 0));
	bind_int(st, 2, block_id(id + 1, 0, 0));
	int r = step(s, st);
	if (r)
		return r;
	st = statement(s, DROP_CHUNK);
	bind_int(st, 1, id);
	return step(s, st);
}

int shelf_put_block(struct shelf *s, uint64_t chunk, enum field field, uint32_t number, const struct block *b)
{
	if (number >= CHUNK_BLOCKS_MAX)
		return ERR_TOO_BIG;
	sqlite3_stmt *st = statement(s, PUT_BLOCK);
	bind_int(st, 1, block_id(chunk, field, number));
	bind_int(st, 2, block_crc_terms(b->terms));
	bind_int(st, 3, block_crc_posts(b->lens, b->posts));
	bind_bytes(st, 4, b->terms);
	bind_bytes(st, 5, b->lens);
	bind_bytes(st, 6, b->posts);
	return step(s, st);
}

int shelf_block(struct shelf *s, uint64_t chunk, enum field field, uint32_t number, struct block *out)
{
	sqlite3_stmt *st = statement(s, BLOCK);
	bind_int(st, 1, block_id(chunk, field, number));
	int r = step(s, st);
	if (r <= 0)
		return r ? r : ERR_NOT_FOUND;
	*out = (struct block){ column_bytes(st, 2), column_bytes(st, 3), column_bytes(st, 4), 0 };
	if (column_int(st, 0) != block_crc_terms(out->terms) || column_int(st, 1) != block_crc_posts(out->lens, out->posts) || !block_is_sound(out))
		return ERR_CORRUPT;
	return 0;
}

int shelf_posts(struct shelf *s, uint64_t chunk, enum field field, uint32_t number, struct str *lens_out, struct str *posts_out)
{
	sqlite3_stmt *st = statement(s, POSTS);
	bind_int(st, 1, block_id(chunk, field, number));
	int r = step(s, st);
	if (r <= 0)
		return r ? r : ERR_CORRUPT;
	*lens_out = column_bytes(st, 1);
	*posts_out = column_bytes(st, 2);
	return column_int(st, 0) == block_crc_posts(*lens_out, *posts_out) ? 0 : ERR_CORRUPT;
}

int shelf_terms(struct shelf *s, uint64_t chunk, enum field field, shelf_terms_fn *fn, void *arg)
{
	sqlite3_stmt *st = statement(s, TERMS);
	bind_int(st, 1, block_id(chunk, field, 0));
	bind_int(st, 2, block_id(chunk, field, CHUNK_BLOCKS_MAX));
	int r;
	while ((r = step(s, st)) > 0) {
		struct str terms = column_bytes(st, 2);
		if (column_int(st, 1) != block_crc_terms(terms))
			r = ERR_CORRUPT;
		else
			r = fn(arg, (uint32_t)(column_int(st, 0) & (CHUNK_BLOCKS_MAX - 1)), terms);
		if (r) {
			sqlite3_reset(st);
			break;
		}
	}
	return r;
}

/* ---- the rest ---- */

int shelf_put_unread(struct shelf *s, uint64_t email)
{
	sqlite3_stmt *st = statement(s, PUT_UNREAD);
	bind_int(st, 1, email);
	return step(s, st);
}

int shelf_unread(struct shelf *s, uint64_t **out, size_t *n_out)
{
	void *all = NULL;
	*n_out = 0;
	sqlite3_stmt *st = statement(s, UNREAD);
	int r;
	while ((r = step(s, st)) > 0) {
		uint64_t email = column_int(st, 0);
		if (!add(&all, n_out, sizeof(email), &email)) {
			sqlite3_reset(st);
			r = ERR_NO_MEMORY;
			break;
		}
	}
	if (r) {
		free(all);
		all = NULL;
		*n_out = 0;
	}
	*out = all;
	return r;
}

int shelf_put_attached(struct shelf *s, uint64_t email, struct str text)
{
	sqlite3_stmt *st = statement(s, PUT_ATTACHED);
	bind_int(st, 1, email);
	bind_bytes(st, 2, text);
	return step(s, st);
}

int shelf_attached(struct shelf *s, uint64_t email, struct str *out)
{
	sqlite3_stmt *st = statement(s, ATTACHED);
	bind_int(st, 1, email);
	int r = step(s, st);
	if (r > 0)
		*out = column_bytes(st, 0);
	return r > 0 ? 0 : r ? r : ERR_NOT_FOUND;
}

int shelf_put_stems(struct shelf *s, uint64_t email, const struct str stems[STEM_COLUMNS])
{
	sqlite3_stmt *st = statement(s, PUT_STEMS);
	bind_int(st, 1, email);
	for (int i = 0; i < STEM_COLUMNS; i++)
		bind_text(st, 2 + i, stems[i]);
	return step(s, st);
}

int shelf_ranked(struct shelf *s, struct str expression, shelf_ranked_fn *fn, void *arg)
{
	sqlite3_stmt *st = statement(s, RANKED);
	bind_text(st, 1, expression);
	int r;
	while ((r = step(s, st)) > 0) {
		r = fn(arg, column_int(st, 0), sqlite3_column_double(st, 1));
		if (r) {
			sqlite3_reset(st);
			break;
		}
	}
	return r;
}

bool shelf_has_stem(struct shelf *s, struct str stem)
{
	sqlite3_stmt *st = statement(s, HAS_STEM);
	bind_text(st, 1, stem);
	bool has = step(s, st) > 0;
	if (has)
		sqlite3_reset(st);
	return has;
}

int shelf_stems(struct shelf *s, struct str from, struct str to, shelf_stem_fn *fn, void *arg)
{
	sqlite3_stmt *st = statement(s, STEMS);
	bind_text(st, 1, from);
	bind_text(st, 2, to);
	int r;
	while ((r = step(s, st)) > 0) {
		r = fn(arg, column_bytes(st, 0), column_int(st, 1));
		if (r) {
			sqlite3_reset(st);
			break;
		}
	}
	return r;
}

int shelf_stats(struct shelf *s, struct shelf_stats *out)
{
	struct shelf_state state;
	int r = shelf_state(s, &state);
	sqlite3_stmt *st = statement(s, COUNTS);
	if (!r && (r = step(s, st)) > 0) {
		*out = (struct shelf_stats){ column_int(st, 0), column_int(st, 1), state.emails, column_int(st, 2), column_int(st, 3), state.known_below };
		sqlite3_reset(st);
		return 0;
	}
	return r ? r : ERR_CORRUPT;
}
