#include "search/convert.h"

#include "base/clock.h"
#include "base/err.h"
#include "search/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define POLL_MS 200

bool convert_wants(struct str type, struct str subtype, struct str name)
{
	static const char *const subtypes[] = { "pdf", "msword", "rtf", "epub+zip", "vnd.ms-", "vnd.openxmlformats-", "vnd.oasis.opendocument.", NULL };
	static const char *const endings[] = { ".pdf", ".doc", ".docx", ".rtf", ".epub", ".xls", ".xlsx", ".ppt", ".pptx", ".odt", ".ods", ".odp", NULL };
	if (!str_ieq(type, STR("application")))
		return false;
	for (const char *const *s = subtypes; *s; s++)
		if (str_istarts(subtype, str_from_c(*s)))
			return true;
	for (const char *const *e = endings; *e; e++)
		if (str_iends(name, str_from_c(*e)))
			return true;
	return false;
}

/* ---- running it ---- */

/* The attachment as a file without a name: the child reads at its own speed, and may seek. */
static int open_input(struct str attachment)
{
	int fd = (int)syscall(SYS_memfd_create, "attachment", 1u /* close on exec */);
	size_t at = 0;
	while (fd >= 0 && at < attachment.n) {
		ssize_t n = write(fd, attachment.p + at, attachment.n - at);
		if (n <= 0 && errno != EINTR) {
			close(fd);
			return -1;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Reads until the end, the time, or enough. */
static int read_output(int fd, const _Atomic bool *stop, struct buf *out)
{
	uint64_t until = clock_mono_ms() + CONVERT_SECONDS * UINT64_C(1000);
	size_t had = out->n;
	for (;;) {
		if (stop && *stop)
			return ERR_CLOSED;
		if (clock_mono_ms() >= until)
			return ERR_TIMEOUT;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, POLL_MS) <= 0)
			continue;
		char *to = buf_reserve(out, 65536);
		if (!to)
			return ERR_NO_MEMORY;
		ssize_t n = read(fd, to, 65536);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return ERR_IO;
		out->n += n > 0 ? (size_t)n : 0;
		if (out->n - had >= CONVERT_OUTPUT_MAX) {
			out->n = had + CONVERT_OUTPUT_MAX;
			return 1;
		}
	}
}

struct porter_program convert_program(const char *path)
{
	return (struct porter_program){ .path = path, .caged = true, .seconds = 2 * CONVERT_SECONDS, .cpu_seconds = CONVERT_CPU_SECONDS,
									.memory = CONVERT_MEMORY_BYTES, .file = CONVERT_FILE_BYTES };
}

/* It may close its output and go on: that is given the same time again, no more. */
static int finish(int job, int read_result, const _Atomic bool *stop)
{
	int status;
	int r = porter_end(job, read_result ? 0 : clock_mono_ms() + CONVERT_SECONDS * UINT64_C(1000), read_result ? NULL : stop, &status);
	if (read_result)
		return read_result > 0 ? 0 : read_result;
	if (r)
		return r == ERR_CLOSED ? ERR_TIMEOUT : r;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : ERR_NOT_FOUND;
}

int convert_run(const char *program, const char *type, const char *name, struct str attachment, const _Atomic bool *stop, struct buf *out)
{
	const struct porter_program p = convert_program(program);
	const char *const args[] = { type, name, NULL };
	int fds[2] = { -1, -1 }, in = open_input(attachment), job;
	size_t had = out->n;
	if (in < 0)
		return ERR_IO;
	int r = pipe2(fds, O_CLOEXEC) == 0 ? 0 : ERR_IO;
	if (!r) {
		r = porter_begin(&p, args, in, fds[1], &job);
		close(fds[1]);
		if (!r)
			r = finish(job, read_output(fds[0], stop, out), stop);
		else
			r = ERR_IO;
		close(fds[0]);
	}
	close(in);
	if (r)
		out->n = had;
	return r;
}
