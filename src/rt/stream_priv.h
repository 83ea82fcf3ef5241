/* The struct behind stream.h, for stream.c (bytes) and stream_open.c (opening, closing, TLS). */
#ifndef RT_STREAM_PRIV_H
#define RT_STREAM_PRIV_H

#include "base/buf.h"
#include "rt/stream.h"
#include "rt/tls_conn.h"

struct stream {
	int fd;
	struct tls_conn *tls;
	uint64_t timeout_ms, deadline;
	const _Atomic bool *cancel;  /* or NULL */
	struct buf in;               /* read; the first `taken` bytes are what the last read handed out */
	size_t taken;
	struct buf ahead;            /* came while we were writing; joins `in` with the next read, so that lines stay where they are */
	struct buf out;
	bool ended;                  /* nothing more will come */
	int write_error;             /* the first one */
	uint64_t bytes_in, bytes_out;
};

/* Waits for poll(2) events within the timeout and before the deadline: what came, above 0, or ERR_TIMEOUT, ERR_IO, ERR_CLOSED (cancelled). */
int stream_wait(const struct stream *s, short events);
bool stream_is_late(const struct stream *s);

#endif
