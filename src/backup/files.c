#include "backup/files.h"

#include "backup/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_VERSION 1u
enum kind { KIND_FILE = 1, KIND_FOLDER = 2, KIND_LINK = 3 };

/* In the data directory itself. The last is the mark of a restore (workplace.c), which one that was killed at the very end leaves in a whole directory. */
#define RESTORE_MARK "restoring"
static const char *const skipped[] = { "store", "search", "spool", "run", "quarantine", "audit", "backup", RESTORE_MARK };

/* ---- taking ---- */

struct taking {
	struct repository *r;
	void (*tell)(void *arg, const char *line);
	void *arg;
	struct buf list, piece;
	unsigned n;
	int rc;
};

static void tell(struct taking *t, const char *path, const char *why)
{
	char line[PATH_LENGTH_MAX + 100];
	snprintf(line, sizeof(line), "%s: %s", path, why);
	if (t->tell)
		t->tell(t->arg, line);
}

static void add_head(struct taking *t, enum kind kind, const char *path, const struct stat *st)
{
	struct str name = str_from_c(path);
	buf_add_u8(&t->list, (uint8_t)kind);
	buf_add_varint(&t->list, name.n);
	buf_add_str(&t->list, name);
	buf_add_varint(&t->list, st->st_mode & 07777);
	buf_add_le64(&t->list, (uint64_t)st->st_mtime);
	t->n++;
}

/* A file that changes meanwhile is taken as it is read. */
static int read_pieces(struct taking *t, int fd, struct chunk_list *pieces)
{
	uint64_t all = 0;
	for (;;) {
		buf_reset(&t->piece);
		char *p = buf_reserve(&t->piece, PIECE_MAX);
		ssize_t n = p ? read(fd, p, PIECE_MAX) : -1;
		if (n <= 0)
			return p ? n < 0 ? ERR_IO : 0 : ERR_NO_MEMORY;
		all += (uint64_t)n;
		struct chunk_id id;
		int rc = all > FILE_MAX ? ERR_TOO_BIG : repository_put(t->r, str_make(p, (size_t)n), &id, NULL);
		if (!rc)
			rc = chunk_list_add(pieces, &id);
		if (rc)
			return rc;
	}
}

static int take_file(struct taking *t, int folder, const char *name, const char *path, const struct stat *st)
{
	struct chunk_list pieces = { NULL, 0, 0 };
	int fd = st->st_size > (off_t)FILE_MAX ? -1 : openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int rc = fd < 0 ? 0 : read_pieces(t, fd, &pieces);
	if (fd < 0 || rc == ERR_IO || rc == ERR_TOO_BIG) {
		tell(t, path, fd >= 0 || st->st_size <= (off_t)FILE_MAX ? "cannot be read, and is not in the backup" : "is too large, and is not in the backup");
		rc = 0;
	} else if (!rc) {
		add_head(t, KIND_FILE, path, st);
		chunk_list_encode(&pieces, &t->list);
	}
	if (fd >= 0)
		close(fd);
	chunk_list_fini(&pieces);
	return rc;
}

static void take_link(struct taking *t, int folder, const char *name, const char *path, const struct stat *st)
{
	char target[PATH_LENGTH_MAX];
	ssize_t n = readlinkat(folder, name, target, sizeof(target));
	if (n <= 0 || n == sizeof(target))
		return;
	add_head(t, KIND_LINK, path, st);
	buf_add_varint(&t->list, (uint64_t)n);
	buf_add(&t->list, target, (size_t)n);
}

static bool is_skipped(const char *name, unsigned depth)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	for (size_t i = 0; depth == 0 && i < sizeof(skipped) / sizeof(*skipped); i++)
		if (strcmp(name, skipped[i]) == 0)
			return true;
	return false;
}

static int take_folder(struct taking *t, int fd, const char *path, unsigned depth);

static int take_entry(struct taking *t, int folder, const char *name, const char *above, unsigned depth)
{
	char path[PATH_LENGTH_MAX];
	struct stat st;
	if ((unsigned)snprintf(path, sizeof(path), "%s%s%s", above, *above ? "/" : "", name) >= sizeof(path) || t->n >= FILES_MAX || depth >= FILES_DEPTH_MAX) {
		tell(t, name, "there are too many files, or too deep, and it is not in the backup");
		return 0;
	}
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
		return 0;                             /* it went meanwhile */
	if (S_ISREG(st.st_mode))
		return take_file(t, folder, name, path, &st);
	if (S_ISLNK(st.st_mode))
		take_link(t, folder, name, path, &st);
	if (!S_ISDIR(st.st_mode))
		return 0;
	add_head(t, KIND_FOLDER, path, &st);
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0)
		return take_folder(t, fd, path, depth + 1);
	tell(t, path, "cannot be read, and is not in the backup");
	return 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

/* Closes fd. In order, so that equal files give equal lists. */
static int take_folder(struct taking *t, int fd, const char *path, unsigned depth)
{
	struct dirent **names = NULL;
	int n = scandirat(fd, ".", &names, NULL, compare_names), rc = n < 0 ? ERR_IO : 0;
	for (int i = 0; i < n; i++) {
		if (!rc && !is_skipped(names[i]->d_name, depth))
			rc = take_entry(t, fd, names[i]->d_name, path, depth);
		free(names[i]);
	}
	free(names);
	close(fd);
	return rc;
}

int files_take(const char *dir, struct repository *r, void (*fn)(void *arg, const char *line), void *arg, struct chunk_id *out, struct err *e)
{
	struct taking t = { .r = r, .tell = fn, .arg = arg, .list = BUF_INIT(CHUNK_MAX - 1), .piece = BUF_INIT(PIECE_MAX + 1) };
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_from_errno(e, errno, "cannot read %s", dir);
	buf_add_u8(&t.list, FILES_VERSION);
	int rc = take_folder(&t, fd, "", 0);
	if (!rc)
		rc = t.list.failed ? ERR_NO_MEMORY : repository_put(r, buf_str(&t.list), out, NULL);
	if (rc)
		err_set(e, rc, NULL, "the files in %s: %s", dir, err_text(rc));
	buf_fini(&t.list);
	buf_fini(&t.piece);
	return rc;
}

/* ---- the list ---- */

struct file {
	enum kind kind;
	struct str path, target;
	mode_t mode;
	int64_t mtime;
	struct chunk_list pieces;
};

static bool is_good_path(struct str path)
{
	struct str rest = path, part;
	if (path.n == 0 || path.n >= PATH_LENGTH_MAX || memchr(path.p, 0, path.n))
		return false;
	bool more = true;
	while (more) {
		more = str_cut(rest, '/', &part, &rest);
		if (part.n == 0 || str_eq(part, STR(".")) || str_eq(part, STR("..")))
			return false;
	}
	return true;
}

/* 1, 0 at the end, ERR_CORRUPT, ERR_NO_MEMORY. The pieces are the caller's to free. */
static int next_file(struct cursor *c, struct file *f)
{
	*f = (struct file){ .mode = 0 };
	if (cursor_left(c) == 0)
		return 0;
	f->kind = (enum kind)cursor_u8(c);
	f->path = cursor_bytes(c, cursor_varint(c));
	f->mode = (mode_t)(cursor_varint(c) & 0777);      /* never set-user-ID, whoever made the list */
	f->mtime = (int64_t)cursor_le64(c);
	if (c->bad || !is_good_path(f->path))
		return ERR_CORRUPT;
	if (f->kind == KIND_FILE) {
		int rc = chunk_list_decode(c, &f->pieces);
		return rc ? rc : 1;
	}
	if (f->kind == KIND_LINK) {
		f->target = cursor_bytes(c, cursor_varint(c));
		return !c->bad && f->target.n && f->target.n < PATH_LENGTH_MAX && !memchr(f->target.p, 0, f->target.n) ? 1 : ERR_CORRUPT;
	}
	return f->kind == KIND_FOLDER ? 1 : ERR_CORRUPT;
}

static int open_list(struct str list, struct cursor *out)
{
	*out = cursor_make(list);
	uint8_t version = cursor_u8(out);
	return version > FILES_VERSION ? ERR_VERSION : version ? 0 : ERR_CORRUPT;
}

int files_walk(struct str list, repository_need_fn *need, void *ctx)
{
	struct cursor c;
	struct file f;
	int rc = open_list(list, &c), more = 0;
	while (!rc && (more = next_file(&c, &f)) == 1) {
		for (size_t i = 0; !rc && i < f.pieces.n; i++)
			rc = need(ctx, &f.pieces.v[i]);
		chunk_list_fini(&f.pieces);
	}
	if (more < 0)
		chunk_list_fini(&f.pieces);
	return rc ? rc : more;
}

/* ---- putting ---- */

/* The folder that the path is in; no part of the way may be a symbolic link. */
static int open_parent(int dir, struct str path, char name[PATH_LENGTH_MAX])
{
	struct str rest = path, part;
	int fd = dup(dir);
	while (fd >= 0 && str_cut(rest, '/', &part, &rest)) {
		str_copy_c(name, PATH_LENGTH_MAX, part);
		int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		close(fd);
		fd = next;
	}
	str_copy_c(name, PATH_LENGTH_MAX, part);
	return fd;
}

static int write_pieces(int fd, struct repository *r, const struct chunk_list *pieces)
{
	struct buf b = BUF_INIT(CHUNK_MAX);
	int rc = 0;
	for (size_t i = 0; !rc && i < pieces->n; i++) {
		buf_reset(&b);
		rc = repository_get_left(r, &pieces->v[i], &b);
		for (size_t done = 0; !rc && done < b.n;) {
			ssize_t n = write(fd, b.p + done, b.n - done);
			if (n <= 0)
				rc = err_from_errno(NULL, n < 0 ? errno : ENOSPC, "write");
			else
				done += (size_t)n;
		}
	}
	buf_fini(&b);
	return rc;
}

static int put_file(int folder, const char *name, struct repository *r, const struct file *f, bool *damaged)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_from_errno(NULL, errno, "open");
	const struct timespec times[2] = { { .tv_sec = f->mtime }, { .tv_sec = f->mtime } };
	int rc = write_pieces(fd, r, &f->pieces);
	*damaged = rc == ERR_NOT_FOUND || rc == ERR_CORRUPT;
	if (!rc && (fchmod(fd, f->mode) || futimens(fd, times) || fsync(fd)))
		rc = err_from_errno(NULL, errno, "fsync");
	close(fd);
	/* A half is worse than nothing. */
	if (rc)
		unlinkat(folder, name, 0);
	return *damaged ? 0 : rc;
}

/* No backup has these, so it is somebody else's list: what is put there would be read as a store. */
static bool is_reserved(struct str path)
{
	struct str first, rest;
	str_cut(path, '/', &first, &rest);
	for (size_t i = 0; i < sizeof(skipped) / sizeof(*skipped); i++)
		if (str_eq(first, str_from_c(skipped[i])))
			return true;
	return false;
}

static int put_entry(int dir, struct repository *r, const struct file *f, bool *damaged)
{
	char name[PATH_LENGTH_MAX], target[PATH_LENGTH_MAX];
	int folder = open_parent(dir, f->path, name), rc = 0;
	if (folder < 0)
		return err_from_errno(NULL, errno, "open");
	if (f->kind == KIND_FILE)
		rc = put_file(folder, name, r, f, damaged);
	else if (f->kind == KIND_FOLDER && mkdirat(folder, name, f->mode | 0700) && errno != EEXIST)
		rc = err_from_errno(NULL, errno, "mkdir");
	else if (f->kind == KIND_LINK && str_copy_c(target, sizeof(target), f->target) && symlinkat(target, folder, name))
		rc = err_from_errno(NULL, errno, "symlink");
	close(folder);
	return rc;
}

int files_put(const char *dir, struct repository *r, const struct chunk_id *list, void (*left_out)(void *arg, const char *what), void *arg, struct err *e)
{
	struct buf b = BUF_INIT(CHUNK_MAX);
	struct cursor c;
	struct file f = { .mode = 0 };
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_from_errno(e, errno, "cannot write into %s", dir);
	int rc = repository_get_left(r, list, &b), more = 0;
	bool listed = rc == 0;
	if (!rc)
		rc = open_list(buf_str(&b), &c);
	while (!rc && (more = next_file(&c, &f)) == 1) {
		bool damaged = false;
		char path[PATH_LENGTH_MAX];
		bool reserved = is_reserved(f.path);
		rc = reserved ? 0 : put_entry(fd, r, &f, &damaged);
		if ((damaged || (reserved && !str_eq(f.path, STR(RESTORE_MARK)))) && str_copy_c(path, sizeof(path), f.path))
			left_out(arg, path);
		chunk_list_fini(&f.pieces);
		if (rc)
			err_set(e, rc, NULL, "cannot restore the file %.*s: %s", STR_ARG(f.path), err_text(rc));
	}
	chunk_list_fini(&f.pieces);
	if (!listed && (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT)) {
		left_out(arg, "the list of files: none of them is restored; it");
		rc = 0;
	}
	if (!rc && more < 0)
		rc = err_set(e, more, NULL, "the list of files in the backup: %s", err_text(more));
	close(fd);
	buf_fini(&b);
	return rc;
}
