#include "store/engine_lmdb/index_inspect.h"

#include "base/bytes.h"
#include "store/blob_segment/segment_file.h"
#include "store/engine.h"
#include "store/engine_lmdb/dir.h"
#include "store/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const index_table_names[INDEX_TABLES] = { "aside", "counters", "dead", "kv", "moved", "segments", "sums", "tags", "versions", "wounds" };

#define LINES_MAX 40u                             /* told one by one; more are only counted */
#define PINS 20u                                  /* tries to catch a commit with a reader */

/* ---- how the file begins ---- */

/* The last key in a list of free pages: the newest commit that gave some back; the first gives none. 0: not known. */
static uint64_t last_free(const struct index_file *f, const struct index_table *t)
{
	uint8_t page[INDEX_PAGE_SIZE];
	if (t->root == INDEX_NO_PAGE)
		return 1;
	struct index_node node = { .page = t->root };
	for (unsigned depth = t->depth <= INDEX_DEPTH_MAX ? t->depth : 0; depth > 0; depth--) {
		uint64_t number = node.page;
		if (index_file_read(f, number, page) || index_page_judge(page, number, depth == 1))
			return 0;
		index_node_decode(page, index_page_count(page) - 1, depth == 1, &node);
	}
	return node.key.n == 8 ? load_le64(node.key.p) : 0;
}

/* Every commit but the first gives pages back, at least those on the way to its tables, and notes them under its own number; before the first there is nothing. So
 * one bit of a number cannot make the commit before the newest look like the newest, though the two would still follow each other. */
static bool newest_is_misnamed(const struct index_file *f, const struct index_meta *m)
{
	uint64_t commit = m->txn ? last_free(f, &m->free) : 0;
	return m->txn ? commit && commit != m->txn : m->main.root != INDEX_NO_PAGE;
}

/* When the disk refuses a root LMDB puts back the number that stood there, two less, and not the rest. */
static bool older_is_misnamed(const struct index_file *f, const struct index_meta *m)
{
	uint64_t commit = last_free(f, &m->free);
	return commit && commit != m->txn && commit != m->txn + 2 && !(m->txn == 0 && commit == 1);
}

/* A commit number is one more than the one before it, and writes the meta page of its parity. */
static const char *judge_metas(const struct index_picture *p)
{
	const struct index_meta *newer = &p->meta[p->newest], *older = &p->meta[!p->newest];
	bool fresh = newer->txn == 0 && older->txn == 0;
	if (!fresh && (newer->txn != older->txn + 1 || newer->txn % 2 != p->newest))
		return "the two meta pages do not follow each other";
	return newest_is_misnamed(&p->file, newer) || older_is_misnamed(&p->file, older) ? "a meta page that is not of the commit it names" : NULL;
}

static void picture_read(struct index_picture *p)
{
	struct stat st;
	uint8_t page[INDEX_PAGE_SIZE];
	p->file.pages = fstat(p->file.fd, &st) ? 0 : (uint64_t)st.st_size / INDEX_PAGE_SIZE;
	for (unsigned i = 0; i < 2; i++)
		p->fault[i] = index_file_read(&p->file, i, page) ? "a meta page that cannot be read" : index_meta_decode(page, i, &p->meta[i]);
	bool both = !p->fault[0] && !p->fault[1];
	p->newest = both ? p->meta[1].txn > p->meta[0].txn : p->fault[0] != NULL;
	p->disagree = both ? judge_metas(p) : NULL;
}

int index_picture_open(const char *dir, struct index_picture *out)
{
	char path[DIR_PATH_MAX];
	*out = (struct index_picture){ .file = { .fd = -1 } };
	if (dir_path(dir, "index/data.mdb", path, NULL))
		return ERR_INVALID;
	out->file.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (out->file.fd < 0)
		return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
	picture_read(out);
	return 0;
}

void index_picture_close(struct index_picture *p)
{
	if (p->file.fd >= 0)
		close(p->file.fd);
	p->file.fd = -1;
}

bool index_in_use(const char *dir)
{
	char path[DIR_PATH_MAX];
	int fd = dir_path(dir, "index/lock.mdb", path, NULL) ? -1 : open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	bool used = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return used;
}

/* ---- every page ---- */

struct inspection {
	struct index_walk walk;
	const char *table;
	struct buf lines;
	uint64_t faults;
	uint64_t beyond;                              /* free pages that the file does not reach */
	struct index_table tables[INDEX_TABLES];
	bool has[INDEX_TABLES];
};

static void fault(struct inspection *in, const char *what, uint64_t page)
{
	if (in->faults++ < LINES_MAX)
		buf_printf(&in->lines, "index, table %s: page %llu: %s\n", in->table, (unsigned long long)page, what);
}

static void note_hole(void *arg, const char *what, uint64_t page, struct str from, struct str to, bool leaf)
{
	(void)from, (void)to, (void)leaf;
	fault(arg, what, page);
}

static int note_table(void *arg, struct str key, struct str value, unsigned flags)
{
	struct inspection *in = arg;
	for (unsigned i = 0; i < INDEX_TABLES; i++) {
		if (!str_eq(key, str_from_c(index_table_names[i])) || !(flags & INDEX_SUBTABLE))
			continue;
		index_table_decode((const uint8_t *)value.p, &in->tables[i]);
		in->has[i] = true;
		return 0;
	}
	fault(in, "no table of ours", 0);
	return 0;
}

static int judge_pair(void *arg, struct str key, struct str value, unsigned flags)
{
	(void)key, (void)value;
	if (flags & INDEX_SUBTABLE)
		fault(arg, "a table within a table", 0);
	return 0;
}

/* A list of free pages: their number, then the pages, falling. What is free may be beyond the end of the file, and must not be in use. */
static int judge_free(void *arg, struct str key, struct str value, unsigned flags)
{
	struct inspection *in = arg;
	uint64_t n = value.n >= 8 ? load_le64(value.p) : 0, last = UINT64_MAX;
	if ((flags & INDEX_SUBTABLE) || key.n != 8 || value.n < 8 || n > value.n / 8 - 1) {
		fault(in, "a list of free pages of a wrong shape", 0);
		return 0;
	}
	for (uint64_t i = 0; i < n; i++) {
		uint64_t page = load_le64(value.p + 8 + 8 * i);
		bool beyond = page >= in->walk.file->pages && page <= in->walk.last_page;
		if (page >= last || (!beyond && !index_walk_mark(&in->walk, page)))
			fault(in, "a page is called free that is in use, or twice", page);
		in->beyond += beyond;
		last = page;
	}
	return 0;
}

static int inspect_trees(struct inspection *in, const struct index_meta *meta)
{
	struct index_walk *w = &in->walk;
	in->table = "main";
	w->pair = note_table;
	int rc = index_walk_table(w, &meta->main, false);
	w->pair = judge_pair;
	for (unsigned i = 0; rc == 0 && i < INDEX_TABLES; i++) {
		in->table = index_table_names[i];
		if (in->has[i] && in->tables[i].flags)
			fault(in, "a table with unknown flags", 0);
		if (in->has[i])
			rc = index_walk_table(w, &in->tables[i], false);
	}
	in->table = "of free pages";
	w->pair = judge_free;
	w->values = true;
	if (rc == 0)
		rc = index_walk_table(w, &meta->free, true);
	/* The file may be shorter only by pages that are free. */
	uint64_t missing = meta->last_page >= w->file->pages ? meta->last_page + 1 - w->file->pages : 0;
	if (rc == 0 && missing != in->beyond)
		fault(in, "a meta page that tells of pages that are not there", meta->last_page);
	return rc;
}

/* The commit `txn` (0: the newest), as it stands now. ERR_RETRY: it is not there any more. */
static int inspect_once(const char *dir, uint64_t txn, struct inspection *in, uint64_t *txn_out)
{
	struct index_picture p;
	int rc = index_picture_open(dir, &p);
	*in = (struct inspection){ .table = "meta", .lines = BUF_INIT((size_t)1 << 20) };
	unsigned which = p.newest;
	if (rc == 0 && txn && p.meta[which].txn != txn)
		which = !which;
	if (rc == 0 && txn && (p.fault[which] || p.meta[which].txn != txn))
		rc = ERR_RETRY;
	if (rc == 0)
		rc = index_walk_init(&in->walk, &p.file, p.fault[which] ? 0 : p.meta[which].last_page);
	if (rc) {
		index_picture_close(&p);
		return rc;
	}
	in->walk.hole = note_hole;
	in->walk.arg = in;
	for (unsigned i = 0; i < 2; i++)
		if (p.fault[i])
			fault(in, p.fault[i], i);
	if (p.disagree && !txn)
		fault(in, p.disagree, p.newest);
	*txn_out = p.meta[which].txn;
	if (!p.fault[which])
		rc = inspect_trees(in, &p.meta[which]);
	index_picture_close(&p);
	return rc;
}

static void inspection_fini(struct inspection *in)
{
	index_walk_fini(&in->walk);
	buf_fini(&in->lines);
}

/* While LMDB holds a reader no page of its commit is used again. Its metas were sound a moment ago, which is all that this much of LMDB needs. */
static int inspect_pinned(const char *dir, struct inspection *in)
{
	char path[DIR_PATH_MAX];
	MDB_env *env = NULL;
	MDB_txn *txn = NULL;
	uint64_t seen;
	int rc = dir_path(dir, "index", path, NULL) || mdb_env_create(&env) ? ERR_IO : 0;
	if (rc == 0 && (mdb_env_set_mapsize(env, STORE_MAP_SIZE_DEFAULT) || mdb_env_open(env, path, MDB_RDONLY | MDB_NOTLS, 0600)))
		rc = ERR_IO;
	if (rc == 0)
		rc = ERR_RETRY;
	for (unsigned i = 0; rc == ERR_RETRY && i < PINS; i++) {
		if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn)) {
			rc = ERR_IO;
			break;
		}
		rc = inspect_once(dir, mdb_txn_id(txn), in, &seen);
		if (rc)
			inspection_fini(in);
		mdb_txn_abort(txn);
	}
	if (env)
		mdb_env_close(env);
	if (rc)
		*in = (struct inspection){ .table = "meta", .lines = BUF_INIT((size_t)1 << 20) };
	return rc;
}

static void tell(const struct inspection *in, store_report_fn *fn, void *arg)
{
	struct str rest = buf_str(&in->lines), line;
	while (fn && rest.n) {
		str_cut(rest, '\n', &line, &rest);
		char *text = str_dup_c(line);
		if (text)
			fn(arg, text);
		free(text);
	}
	if (fn && in->faults > LINES_MAX)
		fn(arg, "index: and more of the kind");
}

int index_inspect(const char *dir, store_report_fn *fn, void *arg, uint64_t *faults_out)
{
	struct inspection in;
	uint64_t txn, now;
	*faults_out = 0;
	int rc = inspect_once(dir, 0, &in, &txn);
	/* A commit that came meanwhile may have used pages again that were being read. */
	if (rc == 0 && in.faults) {
		struct index_picture p;
		rc = index_picture_open(dir, &p);
		now = p.meta[p.newest].txn;
		bool sound = !p.fault[0] && !p.fault[1];
		index_picture_close(&p);
		if (rc == 0 && sound && (now != txn || index_in_use(dir))) {
			inspection_fini(&in);
			rc = inspect_pinned(dir, &in);
		}
	}
	if (rc == 0) {
		tell(&in, fn, arg);
		*faults_out = in.faults;
	}
	inspection_fini(&in);
	return rc;
}

/* ---- before opening ---- */

static void keep_first(void *arg, const char *line)
{
	char *first = arg;
	if (!*first)
		snprintf(first, 160, "%s", line);
}

static bool has_segments(const char *dir)
{
	char path[DIR_PATH_MAX];
	bool any = false;
	DIR *d = dir_path(dir, "blobs", path, NULL) ? NULL : opendir(path);
	for (struct dirent *e; d && !any && (e = readdir(d));)
		any = segment_name_parse(e->d_name) != 0;
	if (d)
		closedir(d);
	return any;
}

int index_guard(const struct store_config *c, struct err *e)
{
	struct index_picture p;
	char first[160] = "";
	uint64_t faults = 0;
	int rc = index_picture_open(c->dir, &p);
	uint64_t pages = p.file.pages;
	bool metas_bad = p.fault[0] || p.fault[1];
	index_picture_close(&p);
	if (rc == ERR_NOT_FOUND || (rc == 0 && pages == 0)) {
		if (!has_segments(c->dir))
			return 0;         /* a new store */
		return err_set(e, ERR_CORRUPT, NULL, "the index of %s is lost, the messages are there: run troika check --repair", c->dir);
	}
	if (rc)
		return 0;             /* the one who opens it will say */
	if (metas_bad || (pages <= (c->inspect_bytes ? c->inspect_bytes : STORE_INSPECT_BYTES) / INDEX_PAGE_SIZE && !index_in_use(c->dir)))
		rc = index_inspect(c->dir, keep_first, first, &faults);
	if (rc == 0 && faults)
		return err_set(e, ERR_CORRUPT, NULL, "the index of %s is damaged (%llu faults; %s): run troika check --repair", c->dir, (unsigned long long)faults, first);
	return 0;
}

int engine_lmdb_inspect(const struct store_config *c, store_report_fn *fn, void *arg, uint64_t *faults_out)
{
	struct index_picture p;
	int rc = index_picture_open(c->dir, &p);
	bool empty = rc == 0 && p.file.pages == 0;
	index_picture_close(&p);
	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	if (rc == 0 && !empty)
		return index_inspect(c->dir, fn, arg, faults_out);
	if (!has_segments(c->dir))
		return 0;
	*faults_out = 1;
	if (fn)
		fn(arg, "index: data.mdb is missing or empty");
	return 0;
}
