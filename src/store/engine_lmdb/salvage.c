#include "store/engine_lmdb/salvage.h"

#include "store/engine.h"
#include "store/engine_lmdb/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void tell(struct salvage *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct salvage *s, const char *format, ...)
{
	char line[256];
	va_list ap;
	va_start(ap, format);
	vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	if (s->fn)
		s->fn(s->arg, line);
}

/* ---- holes ---- */

static int hole_add(struct salvage *s, enum salvage_table t, struct str from, struct str to, bool leaf)
{
	if (s->holes[t].n == s->holes[t].cap) {
		size_t cap = s->holes[t].cap ? s->holes[t].cap * 2 : 16;
		struct salvage_hole *grown = reallocarray(s->holes[t].v, cap, sizeof *grown);
		if (!grown)
			return ERR_NO_MEMORY;
		s->holes[t].v = grown;
		s->holes[t].cap = cap;
	}
	struct salvage_hole h = { str_make(str_dup_c(from), from.n), str_make(str_dup_c(to), to.n), leaf };
	s->holes[t].v[s->holes[t].n++] = h;
	return h.from.p && h.to.p ? 0 : ERR_NO_MEMORY;
}

static void note_hole(void *arg, const char *what, uint64_t page, struct str from, struct str to, bool leaf)
{
	struct salvage *s = arg;
	(void)what, (void)page;
	if (from.n && str_eq(from, to))
		return;           /* a wrong count: no keys */
	int rc = hole_add(s, s->now, from, to, leaf);
	if (rc)
		s->failed = rc;
}

static void note_main_hole(void *arg, const char *what, uint64_t page, struct str from, struct str to, bool leaf)
{
	struct salvage *s = arg;
	(void)what, (void)page, (void)leaf;
	s->main_hole |= !(from.n && str_eq(from, to));
}

static int compare_holes(const void *a, const void *b)
{
	return str_cmp(((const struct salvage_hole *)a)->from, ((const struct salvage_hole *)b)->from);
}

static void hole_free(struct salvage_hole *h)
{
	free((void *)(uintptr_t)h->from.p);
	free((void *)(uintptr_t)h->to.p);
}

/* Sorted, and none lies over another. */
static void merge_holes(struct salvage *s, enum salvage_table t)
{
	struct salvage_hole *v = s->holes[t].v;
	size_t n = s->holes[t].n, kept = 0;
	if (n == 0)
		return;
	qsort(v, n, sizeof *v, compare_holes);
	for (size_t i = 1; i < n; i++) {
		struct salvage_hole *last = &v[kept];
		int order = last->to.n ? str_cmp(v[i].from, last->to) : -1;
		if (order > 0 || (order == 0 && v[i].leaf != last->leaf)) {
			v[++kept] = v[i];
			continue;
		}
		last->leaf &= v[i].leaf;
		bool longer = last->to.n && (v[i].to.n == 0 || str_cmp(v[i].to, last->to) > 0);
		struct str to = last->to;
		if (longer) {
			last->to = v[i].to;
			v[i].to = to;
		}
		hole_free(&v[i]);
	}
	s->holes[t].n = kept + 1;
}

/* ---- what the newest trees reach ---- */

static int note_table(void *arg, struct str key, struct str value, unsigned flags)
{
	struct salvage *s = arg;
	for (unsigned i = 0; i < INDEX_TABLES; i++) {
		if (!str_eq(key, str_from_c(index_table_names[i])) || !(flags & INDEX_SUBTABLE))
			continue;
		index_table_decode((const uint8_t *)value.p, &s->tables[i]);
		s->tables_known[i] = true;
	}
	return 0;
}

static int keep_pair(void *arg, struct str key, struct str value, unsigned flags)
{
	struct salvage *s = arg;
	if ((flags & INDEX_SUBTABLE) || !salvage_plausible(s->now, key, value)) {
		s->refused++;
		return 0;
	}
	int rc = salvage_put(s, s->now, key, value);
	s->kept[s->now] += rc == 1;
	return rc < 0 ? rc : 0;
}

static int read_trees(struct salvage *s)
{
	struct index_walk *w = &s->walk;
	struct index_table main = { .root = INDEX_NO_PAGE };
	bool found = false;
	int rc = salvage_find_main(s, &main, &found);
	w->values = true;
	w->arg = s;
	w->hole = note_main_hole;
	w->pair = note_table;
	if (rc == 0 && found)
		rc = index_walk_table(w, &main, false);
	w->hole = note_hole;
	w->pair = keep_pair;
	for (unsigned i = 0; rc == 0 && i < INDEX_TABLES; i++) {
		s->now = (enum salvage_table)i;
		if (s->tables_known[i])
			rc = index_walk_table(w, &s->tables[i], false);
		else if (!found || s->main_hole || (i != SALVAGE_WOUNDS && i != SALVAGE_ASIDE && i != SALVAGE_SUMS))
			rc = hole_add(s, s->now, STR_NONE, STR_NONE, false);
		merge_holes(s, s->now);
	}
	return rc ? rc : s->failed;
}

static void tell_result(struct salvage *s)
{
	for (unsigned i = 0; i < INDEX_TABLES; i++) {
		uint64_t there = s->kept[i] + s->old[i], said = s->tables_known[i] ? s->tables[i].entries : 0;
		if (s->holes[i].n == 0)
			continue;
		tell(s, "index, table %s: %llu records kept, %llu taken from older pages, %s%llu lost", index_table_names[i], (unsigned long long)s->kept[i],
			 (unsigned long long)s->old[i], s->tables_known[i] ? "" : "an unknown number beyond ", (unsigned long long)(said > there ? said - there : 0));
	}
	if (s->refused)
		tell(s, "index: %llu records of impossible shape were left in the damaged file", (unsigned long long)s->refused);
	if (s->no_file)
		tell(s, "index: there was no data.mdb; made an empty one");
}

/* ---- the swap ---- */

/* LMDB's own lock: whoever opens the index waits for it. */
static int lock_index(const char *dir, int *fd_out, struct err *e)
{
	char path[DIR_PATH_MAX];
	*fd_out = -1;
	int rc = dir_path(dir, "index", path, e);
	if (rc)
		return rc;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_from_errno(e, errno, "cannot make %s", path);
	rc = dir_path(dir, "index/lock.mdb", path, e);
	if (rc)
		return rc;
	*fd_out = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd_out < 0)
		return err_from_errno(e, errno, "cannot open %s", path);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
	if (fcntl(*fd_out, F_SETLK, &lock) < 0)
		return err_set(e, ERR_BUSY, NULL, "the index is damaged and a process has it open: stop the server, then repair");
	return 0;
}

/* The damaged file gets a second name in quarantine/, unless a run that was killed gave it one. */
static int keep_damaged(int dir_fd, struct err *e)
{
	struct stat st;
	char name[64];
	if (fstatat(dir_fd, "index/data.mdb", &st, 0) < 0)
		return errno == ENOENT ? 0 : err_from_errno(e, errno, "index/data.mdb");
	if (mkdirat(dir_fd, "quarantine", 0700) < 0 && errno != EEXIST)
		return err_from_errno(e, errno, "cannot make the quarantine");
	for (unsigned i = 1; st.st_nlink < 2; i++) {
		snprintf(name, sizeof name, "quarantine/index-%u.mdb", i);
		if (linkat(dir_fd, "index/data.mdb", dir_fd, name, 0) == 0)
			break;
		if (errno != EEXIST)
			return err_from_errno(e, errno, "cannot keep the damaged index in quarantine");
	}
	int fd = openat(dir_fd, "quarantine", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok ? 0 : err_set(e, ERR_IO, NULL, "cannot sync the quarantine");
}

static int swap(const char *dir, struct err *e)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return err_from_errno(e, errno, "cannot open %s", dir);
	int rc = keep_damaged(dir_fd, e);
	if (rc == 0 && renameat(dir_fd, "index.new/data.mdb", dir_fd, "index/data.mdb") < 0)
		rc = err_from_errno(e, errno, "cannot put the new index in its place");
	int fd = rc ? -1 : openat(dir_fd, "index", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rc == 0 && (fd < 0 || fsync(fd) < 0 || fsync(dir_fd) < 0))
		rc = err_from_errno(e, errno, "cannot sync the new index");
	if (fd >= 0)
		close(fd);
	if (rc == 0) {
		unlinkat(dir_fd, "index.new/lock.mdb", 0);
		unlinkat(dir_fd, "index.new", AT_REMOVEDIR);
	}
	close(dir_fd);
	return rc;
}

static void fini(struct salvage *s)
{
	salvage_new_abort(s);
	index_walk_fini(&s->walk);
	index_picture_close(&s->picture);
	for (unsigned t = 0; t < INDEX_TABLES; t++) {
		for (size_t i = 0; i < s->holes[t].n; i++)
			hole_free(&s->holes[t].v[i]);
		free(s->holes[t].v);
	}
}

int index_salvage(const struct store_config *c, store_report_fn *fn, void *arg, struct err *e)
{
	struct salvage s = { .dir = c->dir, .fn = fn, .arg = arg };
	int lock;
	int rc = lock_index(c->dir, &lock, e);
	if (rc == 0) {
		int open = index_picture_open(c->dir, &s.picture);
		s.no_file = open == ERR_NOT_FOUND;
		if (open && !s.no_file)
			rc = err_set(e, open, NULL, "cannot read the index in %s", c->dir);
	}
	uint64_t pages = s.picture.file.pages;
	if (rc == 0 && index_walk_init(&s.walk, &s.picture.file, pages ? pages - 1 : 0))
		rc = err_set(e, ERR_NO_MEMORY, NULL, "no memory to salvage the index");
	if (rc == 0)
		rc = salvage_new_begin(&s, e);
	if (rc == 0) {
		rc = read_trees(&s);
		if (rc == 0)
			rc = salvage_old_pages(&s);
		if (rc == 0)
			rc = salvage_complete(&s);
		if (rc)
			err_set(e, rc, NULL, "cannot write a new index: %s (room for another one is needed)", err_text(rc));
	}
	if (rc == 0)
		rc = salvage_new_commit(&s, e);
	if (rc == 0)
		rc = swap(c->dir, e);
	if (rc == 0)
		tell_result(&s);
	fini(&s);
	if (lock >= 0)
		close(lock);
	return rc;
}

int engine_lmdb_salvage(const struct store_config *c, store_report_fn *fn, void *arg, struct err *e)
{
	return index_salvage(c, fn, arg, e);
}
