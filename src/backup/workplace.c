#include "backup/workplace.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME "restoring"
#define OPEN_FOLDERS 16

/* All but the folder itself and its mark, without which nobody would dare to go on. */
static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	if (ftw->level == 0 || (ftw->level == 1 && strcmp(path + ftw->base, LOCK_NAME) == 0))
		return 0;
	return type == FTW_DP || type == FTW_D || type == FTW_DNR ? rmdir(path) : unlink(path);
}

static bool path_in(char out[PATH_LENGTH_MAX], const char *a, const char *b)
{
	return (unsigned)snprintf(out, PATH_LENGTH_MAX, "%s%s", a, b) < PATH_LENGTH_MAX;
}

static int remove_all(const char *path)
{
	char lock[PATH_LENGTH_MAX];
	if (nftw(path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS))
		return -1;
	return !path_in(lock, path, "/" LOCK_NAME) || unlink(lock) || rmdir(path) ? -1 : 0;
}

/* Only what is marked as ours is removed. */
static int remove_old(const char *path, struct err *e)
{
	char lock[PATH_LENGTH_MAX];
	/* An empty one was made by one that was killed at once. */
	if (access(path, F_OK) || rmdir(path) == 0)
		return 0;
	int fd = path_in(lock, path, "/" LOCK_NAME) ? open(lock, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;
	if (fd < 0)
		return err_set(e, ERR_EXISTS, NULL, "%s is in the way, and was not left by a restore", path);
	int rc = flock(fd, LOCK_EX | LOCK_NB) ? err_set(e, ERR_BUSY, NULL, "another restore is writing %s", path) : 0;
	if (!rc && remove_all(path))
		rc = err_from_errno(e, errno, "cannot remove %s, which a restore left", path);
	close(fd);
	return rc;
}

static int make_folder(const char *above, const char *name, char out[PATH_LENGTH_MAX], struct err *e)
{
	if (!path_in(out, above, name))
		return err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", above);
	return mkdir(out, 0700) ? err_from_errno(e, errno, "cannot make %s", out) : 0;
}

int workplace_open(const char *to, struct workplace *out, struct err *e)
{
	char path[PATH_LENGTH_MAX];
	*out = (struct workplace){ .to = to, .lock = -1 };
	if (access(to, F_OK) == 0)
		return err_set(e, ERR_EXISTS, NULL, "%s is there already: a restore makes a new directory", to);
	if (!path_in(out->path, to, ".restoring"))
		return err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", to);
	int rc = remove_old(out->path, e);
	if (!rc)
		rc = make_folder(to, ".restoring", out->path, e);
	if (rc || !path_in(path, out->path, "/" LOCK_NAME))
		return rc ? rc : ERR_TOO_BIG;
	out->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (out->lock < 0 || flock(out->lock, LOCK_EX | LOCK_NB))
		return err_from_errno(e, errno, "cannot write %s", path);
	rc = make_folder(out->path, "/store", out->store, e);
	return rc ? rc : make_folder(out->path, "/spool", path, e);
}

static int sync_all(const struct workplace *w)
{
	int fd = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int failed = fd < 0 ? -1 : syncfs(fd);
	if (fd >= 0)
		close(fd);
	return failed;
}

/* The new name is durable when the folder around it is. */
static void sync_parent(const char *path)
{
	char parent[PATH_LENGTH_MAX];
	path_in(parent, path, "/..");
	int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

static _Thread_local struct passwd new_owner;       /* nftw has no argument for its callback */

static int give_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return lchown(path, new_owner.pw_uid, new_owner.pw_gid);
}

static int give(const char *path, const char *owner, struct err *e)
{
	char text[4096];
	struct passwd *found = NULL;
	getpwnam_r(owner, &new_owner, text, sizeof(text), &found);
	if (!found)
		return err_set(e, ERR_NOT_FOUND, NULL, "there is no user %s; make one with: useradd --system %s", owner, owner);
	return nftw(path, give_entry, OPEN_FOLDERS, FTW_PHYS) ? err_from_errno(e, errno, "cannot give %s to %s", path, owner) : 0;
}

int workplace_finish(struct workplace *w, const char *owner, struct err *e)
{
	char lock[PATH_LENGTH_MAX];
	int rc = owner ? give(w->path, owner, e) : 0;
	if (rc)
		return workplace_leave(w, rc, e);
	rc = sync_all(w) ? err_from_errno(e, errno, "cannot write %s", w->path) : 0;
	if (!rc && renameat2(AT_FDCWD, w->path, AT_FDCWD, w->to, RENAME_NOREPLACE))
		rc = err_from_errno(e, errno, "cannot name it %s", w->to);
	if (!rc && path_in(lock, w->to, "/" LOCK_NAME))
		unlink(lock);
	if (!rc)
		sync_parent(w->to);
	close(w->lock);
	w->lock = -1;
	return rc;
}

int workplace_leave(struct workplace *w, int why, struct err *e)
{
	if (e && !e->log[0])
		err_set(e, why, NULL, "the restore: %s", err_text(why));
	if (w->lock >= 0) {
		remove_all(w->path);
		close(w->lock);
		w->lock = -1;
	}
	return why;
}
