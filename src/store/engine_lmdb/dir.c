#include "store/engine_lmdb/dir.h"

#include "base/num.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT_NAME "FORMAT"
#define FORMAT_PREFIX "troika store "

int dir_path(const char *dir, const char *name, char path_out[DIR_PATH_MAX], struct err *e)
{
	int n = snprintf(path_out, DIR_PATH_MAX, "%s/%s", dir, name);
	return n > 0 && n < DIR_PATH_MAX ? 0 : err_set(e, ERR_INVALID, NULL, "the path of the store is too long: %s", dir);
}

/* The whole file is one line: "troika store 3\n", with the level. */
static int read_format(const struct store_config *c, int dir_fd, unsigned *level_out, struct err *e)
{
	int fd = openat(dir_fd, FORMAT_NAME, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, NULL, "there is no store in %s: make one first (troika init)", c->dir);
	if (fd < 0)
		return err_from_errno(e, errno, "cannot read %s/" FORMAT_NAME, c->dir);
	char text[64];
	ssize_t n = read(fd, text, sizeof text);
	close(fd);
	struct str s = str_trim(str_make(text, n > 0 ? (size_t)n : 0));
	uint32_t version;
	if (!str_starts(s, STR(FORMAT_PREFIX)) || !num_parse_u32(str_from(s, sizeof FORMAT_PREFIX - 1), &version) ||
		version == 0)
		return err_set(e, ERR_CORRUPT, NULL,
					   "%s/" FORMAT_NAME " does not say \"" FORMAT_PREFIX "N\"; restore it or the whole directory",
					   c->dir);
	if (version > STORE_LEVEL_NEWEST)
		return err_set(e, ERR_VERSION, NULL,
					   "the store in %s has format %u, this program knows up to %u: use the newer program", c->dir,
					   version, STORE_LEVEL_NEWEST);
	*level_out = version;
	return 0;
}

static int write_format(const char *dir, int dir_fd, unsigned level, struct err *e)
{
	char temporary[64], text[64];
	/* Two processes may do this at once: each writes its own, the same text. */
	snprintf(temporary, sizeof temporary, FORMAT_NAME ".%ld", (long)getpid());
	int n = snprintf(text, sizeof text, FORMAT_PREFIX "%u\n", level);
	int fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_from_errno(e, errno, "cannot write into %s", dir);
	bool ok = write(fd, text, (size_t)n) == n && fsync(fd) == 0;
	close(fd);
	if (!ok || renameat(dir_fd, temporary, dir_fd, FORMAT_NAME) < 0 || fsync(dir_fd) < 0) {
		int saved = errno;
		unlinkat(dir_fd, temporary, 0);
		return err_from_errno(e, saved, "cannot write %s/" FORMAT_NAME, dir);
	}
	return 0;
}

static int make_dirs(const struct store_config *c, int dir_fd, struct err *e)
{
	static const char *const names[] = { "index", "blobs" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (mkdirat(dir_fd, names[i], 0700) < 0 && errno != EEXIST)
			return err_from_errno(e, errno, "cannot make %s/%s", c->dir, names[i]);
	}
	/* Before FORMAT: nothing says in which order a directory's names come to the disk, and FORMAT promises the others. */
	return fsync(dir_fd) < 0 ? err_from_errno(e, errno, "cannot sync %s", c->dir) : 0;
}

int dir_sync(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failed = fd < 0 || fsync(fd) < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return failed ? err_from_errno(e, failed, "cannot sync the directory %s", path) : 0;
}

int dir_read_format(const char *dir, unsigned *level_out)
{
	const struct store_config c = { .dir = dir };
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return err_from_errno(NULL, errno, "directory");
	int rc = read_format(&c, dir_fd, level_out, NULL);
	close(dir_fd);
	return rc;
}

int dir_write_format(const char *dir, unsigned level, struct err *e)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return err_from_errno(e, errno, "cannot open the directory of the store, %s", dir);
	int rc = write_format(dir, dir_fd, level, e);
	close(dir_fd);
	return rc;
}

int dir_prepare(const struct store_config *c, int *blobs_fd_out, unsigned *level_out, bool *fresh_out, struct err *e)
{
	*fresh_out = false;
	int dir_fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return err_from_errno(e, errno, "cannot open the directory of the store, %s", c->dir);
	int rc = read_format(c, dir_fd, level_out, e);
	if (rc == ERR_NOT_FOUND && c->create && !c->read_only) {
		*level_out = c->level ? c->level : STORE_LEVEL_NEWEST;
		*fresh_out = true;
		rc = make_dirs(c, dir_fd, e);
	}
	/* Who made it may have been killed before its names were durable. */
	else if (rc == 0 && !c->read_only && fsync(dir_fd) < 0)
		rc = err_from_errno(e, errno, "cannot sync %s", c->dir);
	if (rc == 0) {
		*blobs_fd_out = openat(dir_fd, "blobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (*blobs_fd_out < 0)
			rc = err_from_errno(e, errno, "cannot open %s/blobs", c->dir);
	}
	close(dir_fd);
	return rc;
}
