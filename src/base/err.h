/* How things fail. A function that can fail returns 0 or one of these negative codes; the hundred tells the
 * class, because SMTP must answer 4xx or 5xx, IMAP NO or BAD, HTTP a status. Any thread. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

enum {
	/* client: the request is wrong or not allowed; repeating it will not help */
	ERR_INVALID = -101,      /* malformed or out of range */
	ERR_NOT_FOUND = -102,
	ERR_EXISTS = -103,
	ERR_DENIED = -104,       /* not permitted, or wrong credentials */
	ERR_TOO_BIG = -105,      /* over a named limit */
	ERR_QUOTA = -106,        /* the owner's quota would be exceeded */
	ERR_CONFLICT = -107,     /* a stated precondition does not hold (UNCHANGEDSINCE, non-empty mailbox) */
	/* temporary: may work later */
	ERR_NO_MEMORY = -201,
	ERR_IO = -202,
	ERR_NO_SPACE = -203,     /* the disk is full */
	ERR_BUSY = -204,         /* somebody else has it (POP3 maildrop lock), or too many at once */
	ERR_TIMEOUT = -205,
	ERR_RETRY = -206,        /* a store read went stale: begin again */
	ERR_UNKNOWN = -207,      /* a commit whose fate the engine cannot tell */
	ERR_CLOSED = -208,       /* the peer is gone */
	/* permanent: an operator must act */
	ERR_CORRUPT = -301,      /* stored bytes fail their checksum or shape */
	ERR_VERSION = -302,      /* a format newer than this program */
	ERR_UNSUPPORTED = -303,  /* the engine, library or kernel cannot do it */
	ERR_CONFIG = -304,
	/* our own fault */
	ERR_BUG = -401,
};

enum err_class { ERR_CLASS_NONE = 0, ERR_CLASS_CLIENT = 1, ERR_CLASS_TEMPORARY = 2, ERR_CLASS_PERMANENT = 3, ERR_CLASS_BUG = 4 };

/* The class of a code; ERR_CLASS_NONE for 0 and positive numbers. */
enum err_class err_class(int code);
/* "not found": a short English text, static. */
const char *err_text(int code);

/* An error told twice: `client` may be shown to whoever is on the wire, `log` is for the operator.
 * Filled by err_set; both are always terminated. Zero-initialise. A NULL struct err * is accepted everywhere. */
struct err {
	int code;
	char client[128];
	char log[256];
};

/* Sets all three and returns code, so that `return err_set(...)` reads well. The client text is `client` verbatim
 * (NULL: err_text(code)); the log text is printf-style. Bytes outside printable ASCII become '?'. */
int err_set(struct err *e, int code, const char *client, const char *log_format, ...) __attribute__((format(printf, 4, 5)));
/* From an errno value: ENOSPC and EDQUOT are ERR_NO_SPACE, ENOMEM is ERR_NO_MEMORY, ENOENT is ERR_NOT_FOUND,
 * EEXIST is ERR_EXISTS, EACCES and EPERM are ERR_DENIED, all else ERR_IO. */
int err_from_errno(struct err *e, int errno_value, const char *what_format, ...) __attribute__((format(printf, 3, 4)));

#endif
