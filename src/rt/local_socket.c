#include "rt/local_socket.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SELF_FD_MAX 32

/* The address of a path, and a descriptor to close after use (-1: none): what does not fit is reached by its directory's descriptor. 0 or an errno value. */
static int address_of(const char *path, struct sockaddr_un *out, int *dir_fd_out)
{
	struct str whole = str_from_c(path);
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*dir_fd_out = -1;
	if (str_copy_c(out->sun_path, sizeof(out->sun_path), whole))
		return 0;
	size_t slash = str_rchr(whole, '/');
	if (slash == STR_NPOS || whole.n - slash + SELF_FD_MAX > sizeof(out->sun_path))
		return ENAMETOOLONG;
	char *dir = str_dup_c(str_sub(whole, 0, slash));
	if (!dir)
		return ENOMEM;
	*dir_fd_out = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (*dir_fd_out < 0)
		return errno;
	snprintf(out->sun_path, sizeof(out->sun_path), "/proc/self/fd/%d%s", *dir_fd_out, path + slash);
	return 0;
}

int local_socket_connect(const char *path)
{
	struct sockaddr_un a;
	int dir_fd, failed = address_of(path, &a, &dir_fd);
	int fd = failed ? -1 : socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!failed && (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0))
		failed = errno;
	if (dir_fd >= 0)
		close(dir_fd);
	if (failed && fd >= 0)
		close(fd);
	errno = failed;
	return failed ? -1 : fd;
}

/* Whether the name is free now: nothing stood there, or a socket without a listener did. */
static int make_room(const char *path, struct err *e)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_from_errno(e, errno, "listen on %s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_EXISTS, NULL, "listen on %s: there is a file that is no socket", path);
	int fd = local_socket_connect(path);
	if (fd >= 0 || errno != ECONNREFUSED) {
		if (fd >= 0)
			close(fd);
		return err_set(e, ERR_BUSY, NULL, "listen on %s: another program listens there", path);
	}
	return unlink(path) == 0 || errno == ENOENT ? 0 : err_from_errno(e, errno, "remove the stale socket %s", path);
}

/* 0 or an errno value. */
static int bind_to(int fd, const char *path, int backlog)
{
	struct sockaddr_un a;
	int dir_fd, failed = address_of(path, &a, &dir_fd);
	/* unix_bind() makes the file with the mode of the socket's own inode: nobody can come in between, as after a chmod. */
	if (!failed && (fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || chmod(path, 0600) < 0 || listen(fd, backlog) < 0))
		failed = errno;
	if (dir_fd >= 0)
		close(dir_fd);
	return failed;
}

int local_socket_listen(const char *path, int backlog, struct local_socket *out, int *fd_out, struct err *e)
{
	struct stat st;
	*out = (struct local_socket){ 0 };
	int r = make_room(path, e);
	if (r < 0)
		return r;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_from_errno(e, errno, "listen on %s", path);
	int failed = bind_to(fd, path, backlog);
	if (failed || lstat(path, &st) < 0 || !(out->path = str_dup_c(str_from_c(path)))) {
		close(fd);
		if (failed == EADDRINUSE)
			return err_set(e, ERR_BUSY, NULL, "listen on %s: another program listens there", path);
		return err_from_errno(e, failed ? failed : ENOMEM, "listen on %s", path);
	}
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	out->made = st.st_ctim;
	*fd_out = fd;
	return 0;
}

void local_socket_remove(struct local_socket *l)
{
	struct stat st;
	if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino && st.st_ctim.tv_sec == l->made.tv_sec &&
	    st.st_ctim.tv_nsec == l->made.tv_nsec)
		unlink(l->path);
	free(l->path);
	*l = (struct local_socket){ 0 };
}
