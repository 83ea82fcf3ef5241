#include "base/err.h"

#include "base/ascii.h"
#include "base/str.h"

#include <errno.h>

enum err_class err_class(int code)
{
	if (code >= 0)
		return ERR_CLASS_NONE;
	if (code > -100 || code <= -400)
		return ERR_CLASS_BUG;
	return (enum err_class)(-(code / 100));
}

const char *err_text(int code)
{
	switch (code) {
	case 0: return "no error";
	case ERR_INVALID: return "invalid";
	case ERR_NOT_FOUND: return "not found";
	case ERR_EXISTS: return "already exists";
	case ERR_DENIED: return "not permitted";
	case ERR_TOO_BIG: return "too big";
	case ERR_QUOTA: return "over quota";
	case ERR_CONFLICT: return "conflicts with the present state";
	case ERR_NO_MEMORY: return "out of memory";
	case ERR_IO: return "input or output error";
	case ERR_NO_SPACE: return "no space left";
	case ERR_BUSY: return "busy";
	case ERR_TIMEOUT: return "timed out";
	case ERR_RETRY: return "try again";
	case ERR_UNKNOWN: return "outcome unknown";
	case ERR_CLOSED: return "connection closed";
	case ERR_CORRUPT: return "stored data is damaged";
	case ERR_VERSION: return "format is newer than this program";
	case ERR_UNSUPPORTED: return "not supported here";
	case ERR_CONFIG: return "configuration error";
	case ERR_BUG: return "internal error";
	}
	return code > 0 ? "no error" : "unknown error";
}

static void make_printable(char *text)
{
	for (; *text; text++)
		if (!ascii_is_print((unsigned char)*text))
			*text = '?';
}

static void set_client(struct err *e, int code, const char *client)
{
	e->code = code;
	str_copy_c(e->client, sizeof(e->client), str_from_c(client ? client : err_text(code)));
	make_printable(e->client);
}

int err_set(struct err *e, int code, const char *client, const char *log_format, ...)
{
	if (!e)
		return code;
	va_list ap;
	va_start(ap, log_format);
	if (vsnprintf(e->log, sizeof(e->log), log_format, ap) < 0)
		e->log[0] = '\0';
	va_end(ap);
	make_printable(e->log);
	set_client(e, code, client);
	return code;
}

static int code_from_errno(int errno_value)
{
	switch (errno_value) {
	case ENOSPC:
	case EDQUOT: return ERR_NO_SPACE;
	case ENOMEM: return ERR_NO_MEMORY;
	case ENOENT: return ERR_NOT_FOUND;
	case EEXIST: return ERR_EXISTS;
	case EACCES:
	case EPERM: return ERR_DENIED;
	default: return ERR_IO;
	}
}

int err_from_errno(struct err *e, int errno_value, const char *what_format, ...)
{
	int code = code_from_errno(errno_value);
	if (!e)
		return code;
	va_list ap;
	va_start(ap, what_format);
	int n = vsnprintf(e->log, sizeof(e->log), what_format, ap);
	va_end(ap);
	size_t used = n < 0 ? 0 : (size_t)n < sizeof(e->log) ? (size_t)n : sizeof(e->log) - 1;
	const char *reason = strerrordesc_np(errno_value);
	if (reason)
		snprintf(e->log + used, sizeof(e->log) - used, ": %s", reason);
	else
		snprintf(e->log + used, sizeof(e->log) - used, ": errno %d", errno_value);
	make_printable(e->log);
	set_client(e, code, NULL);
	return code;
}
