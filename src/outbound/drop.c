#include "outbound/drop.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DROP_PATH_MAX 4096
#define DROP_MODE 0660
#define DROP_LOCK_MS ((uint64_t)60000)          /* another program may keep an mbox for so long */
#define DROP_LOCK_POLL_US 50000

/* ---- the text ---- */

static bool is_from_line(struct str line)
{
	while (str_starts(line, STR(">")))
		line = str_from(line, 1);
	return str_starts(line, STR("From "));
}

static void add_text(struct buf *b, struct str message, bool mbox)
{
	struct str line;

	while (message.n) {
		bool whole = str_cut(message, '\n', &line, &message);
		if (whole && str_ends(line, STR("\r")))
			line.n--;
		if (mbox && is_from_line(line))
			buf_add_char(b, '>');
		buf_add_str(b, line);
		buf_add_char(b, '\n');
	}
}

static void add_message(struct buf *b, const struct drop *d, bool mbox)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct civil c = civil_from_unix(clock_now());

	if (mbox)
		buf_printf(b, "From %.*s %s %s %2d %02d:%02d:%02d %d\n", STR_ARG(d->sender.n ? d->sender : STR("MAILER-DAEMON")), days[c.weekday],
				   months[c.month - 1], c.day, c.hour, c.minute, c.second, c.year);
	buf_printf(b, "Return-Path: <%.*s>\nDelivered-To: %.*s\n", STR_ARG(d->sender), STR_ARG(d->recipient));
	add_text(b, d->message, mbox);
	if (mbox)
		buf_add_char(b, '\n');
}

/* ---- writing ---- */

/* 0 or an errno value. */
static int write_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);
		if (n < 0 && errno != EINTR)
			return errno;
		s = str_from(s, n > 0 ? (size_t)n : 0);
	}
	return 0;
}

/* ---- maildir ---- */

static int sync_folder(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), failed = fd < 0 || fsync(fd) ? errno : 0;

	if (fd >= 0)
		close(fd);
	return failed ? err_from_errno(e, failed, "sync %s", path) : 0;
}

/* Of the folder that `path` lies in. */
static int sync_parent(const char *path, struct err *e)
{
	char parent[DROP_PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash && slash > path ? (size_t)(slash - path) : 1;

	if (n >= sizeof parent)
		return err_set(e, ERR_INVALID, NULL, "path too long");
	memcpy(parent, slash ? path : ".", n);
	parent[n] = '\0';
	return sync_folder(parent, e);
}

static int make_folders(const char *dir, struct err *e)
{
	static const char *const names[] = { "", "/tmp", "/new", "/cur" };
	char path[DROP_PATH_MAX];
	bool made = false;

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s%s", dir, names[i]);
		if (mkdir(path, 0770) == 0)
			made = true;
		else if (errno != EEXIST)
			return err_from_errno(e, errno, "mkdir %s", path);
	}
	/* What is delivered into folders without a durable name is lost with them. */
	int r = made ? sync_folder(dir, e) : 0;
	return made && r == 0 ? sync_parent(dir, e) : r;
}

static int write_file(const char *path, struct str text, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, DROP_MODE);

	if (fd < 0)
		return err_from_errno(e, errno, "create %s", path);
	int failed = write_all(fd, text);
	if (!failed && fsync(fd))
		failed = errno;
	if (close(fd) && !failed)
		failed = errno;
	return failed ? err_from_errno(e, failed, "write %s", path) : 0;
}

int drop_maildir(const char *dir, const struct drop *d, struct err *e)
{
	char temporary[DROP_PATH_MAX], final[DROP_PATH_MAX], folder[DROP_PATH_MAX], name[64];
	struct buf text = BUF_INIT(0);
	int r = strlen(dir) > DROP_PATH_MAX - 128 ? err_set(e, ERR_INVALID, NULL, "path too long") : 0;

	/* The same recipient tried again is the same file: a delivery of which we forgot is not doubled while it lies in new. */
	snprintf(name, sizeof name, "%llx.%x.troika", (unsigned long long)d->id, d->index);
	snprintf(temporary, sizeof temporary, "%s/tmp/%s", dir, name);
	snprintf(final, sizeof final, "%s/new/%s", dir, name);
	snprintf(folder, sizeof folder, "%s/new", dir);
	add_message(&text, d, false);
	if (r == 0)
		r = text.failed ? ERR_NO_MEMORY : make_folders(dir, e);
	if (r == 0)
		r = write_file(temporary, buf_str(&text), e);
	if (r == 0 && rename(temporary, final))
		r = err_from_errno(e, errno, "rename to %s", final);
	if (r)
		unlink(temporary);
	else
		r = sync_folder(folder, e);
	buf_fini(&text);
	return r;
}

/* ---- mbox ---- */

/* Of the open file, not of the process: our own threads exclude each other too. Gone when it is closed. 0 or an errno value. */
static int lock_file(int fd, const _Atomic bool *cancel)
{
	uint64_t until = clock_mono_ms() + DROP_LOCK_MS;

	for (;;) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET }, unlock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
		if (fcntl(fd, F_OFD_SETLK, &lock) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		int failed = errno;
		if ((failed != EAGAIN && failed != EACCES && failed != EINTR) || *cancel || clock_mono_ms() >= until)
			return failed;
		/* Who takes the two in the other order gets them. */
		fcntl(fd, F_OFD_SETLK, &unlock);
		usleep(DROP_LOCK_POLL_US);
	}
}

static int append(int fd, const char *path, struct str text, const _Atomic bool *cancel, struct err *e)
{
	struct stat before;
	int failed = lock_file(fd, cancel);

	if (!failed && fstat(fd, &before))
		failed = errno;
	if (failed)
		return err_from_errno(e, failed, "lock %s", path);
	failed = write_all(fd, text);
	if (!failed && fsync(fd))
		failed = errno;
	if (failed && ftruncate(fd, before.st_size))
		return err_set(e, ERR_IO, NULL, "%s ends with half a message now", path);
	if (failed)
		return err_from_errno(e, failed, "write %s", path);
	return before.st_size == 0 ? sync_parent(path, e) : 0;
}

int drop_mbox(const char *path, const struct drop *d, const _Atomic bool *cancel, struct err *e)
{
	struct buf text = BUF_INIT(0);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, DROP_MODE), r;

	if (fd < 0)
		return err_from_errno(e, errno, "open %s", path);
	add_message(&text, d, true);
	r = text.failed ? ERR_NO_MEMORY : append(fd, path, buf_str(&text), cancel, e);
	close(fd);
	buf_fini(&text);
	return r;
}
