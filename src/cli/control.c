#include "cli/control.h"

#include "app/house.h"
#include "app/monitor.h"
#include "base/num.h"
#include "rt/local_socket.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)64 << 20)
#define PATIENCE_S 10

static int open_socket(const char *dir, int *fd_out, struct err *e)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	char path[1024];

	if (!house_path(dir, MONITOR_SOCKET, path, sizeof path))
		return err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", dir);
	*fd_out = local_socket_connect(path);
	if (*fd_out < 0 && (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR))
		return err_set(e, ERR_CLOSED, NULL, "no server runs over %s", dir);
	if (*fd_out < 0 && (errno == EACCES || errno == EPERM))
		return err_set(e, ERR_DENIED, NULL, "%s belongs to another user: only the owner of the data directory and root may ask", path);
	if (*fd_out < 0)
		return err_from_errno(e, errno, "cannot connect to %s", path);
	setsockopt(*fd_out, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(*fd_out, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	return 0;
}

/* Until the server closes, as it was asked to. */
static int read_all(int fd, struct buf *answer, struct err *e)
{
	for (;;) {
		char *room = buf_reserve(answer, 64 << 10);
		if (!room)
			return err_set(e, ERR_TOO_BIG, NULL, "the server's answer is too long");
		ssize_t n = read(fd, room, 64 << 10);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, errno == EAGAIN ? ERR_TIMEOUT : ERR_IO, NULL, "the server does not answer");
		if (n == 0)
			return 0;
		answer->n += (size_t)n;
	}
}

static int parse(struct str answer, int *status_out, json_t **out, struct err *e)
{
	size_t body = str_find(answer, STR("\r\n\r\n"));
	struct str status = str_sub(answer, 9, 3);
	json_error_t why;
	uint32_t number = 0;

	if (body == STR_NPOS || !str_starts(answer, STR("HTTP/1.1 ")) || !num_parse_u32(status, &number))
		return err_set(e, ERR_INVALID, NULL, "the server's answer is no HTTP");
	*status_out = (int)number;
	struct str text = str_from(answer, body + 4);
	*out = json_loadb(text.p, text.n, 0, &why);
	return *out ? 0 : err_set(e, ERR_INVALID, NULL, "the server answers with status %u and no JSON", number);
}

int control_get(const char *dir, const char *path, int *status_out, json_t **out, struct err *e)
{
	char request[256];
	struct buf answer = BUF_INIT(ANSWER_MAX);
	int fd = -1, r = open_socket(dir, &fd, e);

	*out = NULL;
	int n = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
	if (r == 0 && send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
		r = err_set(e, ERR_CLOSED, NULL, "the server over %s closes the connection", dir);
	if (r == 0)
		r = read_all(fd, &answer, e);
	if (r == 0)
		r = parse(buf_str(&answer), status_out, out, e);
	if (fd >= 0)
		close(fd);
	buf_fini(&answer);
	return r;
}

static const json_t *member(const json_t *j, const char *path)
{
	struct str rest = str_from_c(path), name;

	while (j && rest.n) {
		char key[64];
		str_cut(rest, '.', &name, &rest);
		j = str_copy_c(key, sizeof key, name) ? json_object_get(j, key) : NULL;
	}
	return j;
}

json_int_t control_number(const json_t *j, const char *path)
{
	const json_t *m = member(j, path);
	return json_is_true(m) ? 1 : json_integer_value(m);
}

const char *control_text(const json_t *j, const char *path)
{
	const char *text = json_string_value(member(j, path));
	return text ? text : "";
}
