#include "app/house_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <dirent.h>
#include <unistd.h>

#define CONF "troika.conf"
#define CONF_NEW "troika.conf.new"      /* renamed when it is durable, so that CONF is always whole */
#define CONF_MAX ((size_t)1 << 20)

/* ---- the mark ---- */

static bool there(int dir_fd, const char *name)
{
	return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Somebody else's things are never written over: where there is no mark there must be no store and no configuration. */
static int refuse_others(const char *dir, int dir_fd, struct err *e)
{
	if (there(dir_fd, HOUSE_UNFINISHED))
		return 0;
	if (there(dir_fd, "store"))
		return err_set(e, ERR_EXISTS, NULL, "%s holds a Troika already; choose another directory", dir);
	if (there(dir_fd, CONF))
		return err_set(e, ERR_EXISTS, NULL, "%s/" CONF " is there, and no store beside it; move it away or choose another directory", dir);
	return 0;
}

/* The mark, locked, as long as the process lives: so a mark without a lock is one that was left behind. */
static int take_mark(const char *dir, int dir_fd, int *mark_out, struct err *e)
{
	int r = refuse_others(dir, dir_fd, e);
	if (r)
		return r;
	int fd = openat(dir_fd, HOUSE_UNFINISHED, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_from_errno(e, errno, "cannot write into %s", dir);
	struct stat st;
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &st))
		r = err_set(e, ERR_BUSY, NULL, "another troika init is making %s", dir);
	else if (st.st_nlink == 0)              /* whoever had it has finished in between */
		r = err_set(e, ERR_EXISTS, NULL, "%s holds a Troika already; choose another directory", dir);
	if (r)
		close(fd);
	else
		*mark_out = fd;
	return r;
}

/* Durable before anything else is made: what is found beside it later is ours. */
static int write_mark(const char *dir, int mark, struct str hostname, struct err *e)
{
	if (ftruncate(mark, 0) || pwrite(mark, hostname.p, hostname.n, 0) != (ssize_t)hostname.n || fsync(mark))
		return err_from_errno(e, errno, "cannot write %s/" HOUSE_UNFINISHED, dir);
	return house_sync_names(dir, e);
}

/* ---- what a house that was never finished left ---- */

/* Files of the directory whose names fit; then the directory, if nothing else is in it. */
static int remove_dir(int above, const char *name, const char *pattern)
{
	int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return fd < 0 && errno == ENOENT ? 0 : -1;
	}
	for (struct dirent *entry; (entry = readdir(d));)
		if (fnmatch(pattern, entry->d_name, FNM_PERIOD) == 0)
			unlinkat(fd, entry->d_name, 0);
	closedir(d);
	return unlinkat(above, name, AT_REMOVEDIR);
}

static int remove_file(int above, const char *name) { return unlinkat(above, name, 0) && errno != ENOENT ? -1 : 0; }

static int remove_store(const char *dir, int dir_fd, struct err *e)
{
	int fd = openat(dir_fd, "store", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || remove_dir(fd, "index", "*.mdb") || remove_dir(fd, "blobs", "*") || remove_file(fd, "bell") || remove_file(fd, "pulse") ||
		remove_dir(dir_fd, "store", "FORMAT*")) {
		int saved = errno;
		if (fd >= 0)
			close(fd);
		return err_from_errno(e, saved, "cannot remove %s/store, which a former troika init left unfinished", dir);
	}
	close(fd);
	return 0;
}

/* Ours while it says what a sample for that hostname says. */
static bool is_sample(int dir_fd, struct str hostname)
{
	struct buf sample = BUF_INIT(CONF_MAX), found = BUF_INIT(CONF_MAX + 1);
	int fd = openat(dir_fd, CONF, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	app_config_sample(&sample, hostname);
	buf_reserve(&found, sample.n + 1);
	ssize_t n = fd < 0 || found.failed ? -1 : read(fd, found.p, sample.n + 1);
	bool same = n >= 0 && (size_t)n == sample.n && memcmp(found.p, sample.p, sample.n) == 0;
	if (fd >= 0)
		close(fd);
	buf_fini(&sample);
	buf_fini(&found);
	return same;
}

static int remove_former(const char *dir, int dir_fd, int mark, struct err *e)
{
	char text[HOUSE_PATH_MAX];
	ssize_t n = pread(mark, text, sizeof text, 0);

	if (n < 0)
		return err_from_errno(e, errno, "cannot read %s/" HOUSE_UNFINISHED, dir);
	if (there(dir_fd, CONF) && !is_sample(dir_fd, str_make(text, (size_t)n)))
		return err_set(e, ERR_EXISTS, NULL, "%s/" CONF " was changed after a troika init that was cut short; move it away", dir);
	unlinkat(dir_fd, CONF_NEW, 0);
	unlinkat(dir_fd, CONF, 0);
	return remove_store(dir, dir_fd, e);
}

/* ---- making ---- */

static int write_sample(const char *dir, int dir_fd, struct str hostname, struct err *e)
{
	struct buf b = BUF_INIT(CONF_MAX);

	app_config_sample(&b, hostname);
	int fd = openat(dir_fd, CONF_NEW, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r = 0;
	if (fd < 0 || write(fd, b.p, b.n) != (ssize_t)b.n || fsync(fd) < 0 || renameat(dir_fd, CONF_NEW, dir_fd, CONF))
		r = err_from_errno(e, errno, "cannot write %s/" CONF, dir);
	if (fd >= 0)
		close(fd);
	buf_fini(&b);
	return r;
}

static int make(const char *dir, int dir_fd, struct str hostname, struct house *out, struct err *e)
{
	static const char *const names[] = { "spool", "tls", "store" };
	int r = write_sample(dir, dir_fd, hostname, e);

	for (size_t i = 0; r == 0 && i < sizeof names / sizeof *names; i++)
		r = house_make_dir(dir, names[i], e);
	if (r == 0)
		r = house_open_rooms(dir, NULL, true, out, e);
	return r;
}

int house_create(const char *dir, struct str hostname, struct house *out, int *mark_out, struct err *e)
{
	*out = (struct house){ .dir = dir };
	*mark_out = -1;
	if (mkdir(dir, 0700) && errno != EEXIST)
		return err_from_errno(e, errno, "cannot make the directory %s (does the one above it exist?)", dir);
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return err_from_errno(e, errno, "cannot open the directory %s", dir);
	int r = take_mark(dir, dir_fd, mark_out, e);
	if (r == 0)
		r = remove_former(dir, dir_fd, *mark_out, e);
	if (r == 0)
		r = write_mark(dir, *mark_out, hostname, e);
	if (r == 0)
		r = make(dir, dir_fd, hostname, out, e);
	close(dir_fd);
	if (r)
		house_leave(mark_out);
	return r;
}

int house_finish(const char *dir, int *mark, struct err *e)
{
	char path[HOUSE_PATH_MAX];
	/* The store makes its own names durable; here are those beside it, before nothing says any more that they may be missing. */
	int r = house_sync_names(dir, e);

	if (r == 0 && (!house_path(dir, HOUSE_UNFINISHED, path, sizeof path) || unlink(path)))
		r = err_from_errno(e, errno, "cannot remove the mark %s/" HOUSE_UNFINISHED, dir);
	if (r == 0)
		r = house_sync_names(dir, e);
	/* As far as one may: the directory above may be somebody else's. */
	struct err ignored = { 0 };
	if (r == 0 && house_path(dir, "..", path, sizeof path))
		house_sync_names(path, &ignored);
	house_leave(mark);
	return r;
}

void house_leave(int *mark)
{
	if (*mark >= 0)
		close(*mark);
	*mark = -1;
}
