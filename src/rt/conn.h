/* A parked connection and the session on it. Blocking code, no callbacks into the middle of a command: a worker thread runs
 * the session when what it wants is there, the session runs every complete command, and the connection is parked again. At rest it owns no
 * thread, no stack and no buffer.
 *
 * Threads: `run` and `fini` of one session never run at the same time. All conn_ functions are for the thread that is running the session,
 * except conn_ref, conn_unref and conn_wake, which any thread may call.
 * Never call run's caller back, and never hold a lock or a store_read while writing.
 */
#ifndef RT_CONN_H
#define RT_CONN_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "rt/log.h"
#include "rt/metric.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;

enum conn_event {
	CONN_OPEN,       /* first of all; on a TLS listener after the handshake: greet, and say what you want */
	CONN_INPUT,      /* what the session wants is there; also when a line was over its limit */
	CONN_WAKE,       /* somebody called conn_wake; several wakes may arrive as one */
	CONN_TIMEOUT,    /* nothing arrived for the time set */
	CONN_TLS,        /* the handshake asked for by conn_start_tls is done; everything received before it is gone */
	CONN_DRAIN,      /* the server is going down: say goodbye and close, or finish the command and close soon */
};
enum conn_next { CONN_PARK, CONN_CLOSE };          /* CONN_CLOSE: what was written is still sent, then closed */

/* A protocol, as the server runs it. */
struct conn_proto {
	const char *name;                              /* "imap"; in logs */
	size_t session_size;                           /* bytes; zeroed, lives as long as the connection */
	/* ctx is what the listener was given. Called again as long as it returns CONN_PARK and its want is met. */
	enum conn_next (*run)(struct conn *c, void *session, void *ctx, enum conn_event event);
	void (*fini)(struct conn *c, void *session, void *ctx);     /* exactly once for each opened session */
};

/* When the peer ends its stream, what came before is still run and answered; then the connection closes by itself, with fini and no
 * further event. A session that wants nothing is left alone until it wants something again (or the connection breaks). fini comes
 * before the last bytes are sent: who has read them may count on all being released. */

/* ---- what the session waits for (default after CONN_OPEN: nothing) ---- */

void conn_want_line(struct conn *c, size_t max);   /* a line of at most max bytes, its end included */
void conn_want_any(struct conn *c);                /* any bytes at all */
void conn_want_nothing(struct conn *c);            /* only wakes and timeouts */
/* Milliseconds of silence while parked until CONN_TIMEOUT; 0: never. Starts anew with every input. */
void conn_set_timeout(struct conn *c, uint64_t ms);

/* Takes one line without its end: 1, or 0 when no whole line is there yet. *bare_lf_out (may be NULL): it ended with LF alone.
 * ERR_TOO_BIG: a line was over max; it has been thrown away to its end, *line_out is its first bytes (up to 256). The slice lives
 * until the next take or the end of run. */
int conn_take_line(struct conn *c, struct str *line_out, bool *bare_lf_out);
/* Takes what is there, at most max bytes; false when nothing is. Same lifetime. */
bool conn_take_any(struct conn *c, size_t max, struct str *bytes_out);
/* Bytes received and not yet taken. */
size_t conn_pending(struct conn *c);
/* Takes back the last n bytes of the newest conn_take_any: they are the next to be taken. */
void conn_untake(struct conn *c, size_t n);

/* ---- answering ---- */

/* Append to the output; sent when run returns, or on the way when it grows over a bound: then the call blocks until the peer
 * has read, up to the write timeout. After the peer is gone all of this is ignored. */
void conn_write(struct conn *c, const void *p, size_t n);
void conn_write_str(struct conn *c, struct str s);
void conn_printf(struct conn *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define conn_write_lit(c, literal) conn_write((c), "" literal, sizeof(literal) - 1)
/* The output buffer itself, for formatters; call conn_out_check now and then (it sends when over the bound). */
struct buf *conn_out(struct conn *c);
int conn_out_check(struct conn *c);                /* 0 or ERR_CLOSED */
/* Sends what is buffered and then p..p+n without copying (large bodies out of a map). 0 or ERR_CLOSED. */
int conn_write_large(struct conn *c, const void *p, size_t n);
/* Sends all now: 0 or ERR_CLOSED (peer gone or too slow). For progress lines in long commands. */
int conn_flush(struct conn *c);
bool conn_is_dead(const struct conn *c);
/* Breaks off: what was not sent is never sent, and the connection ends without a goodbye, of TLS neither, so that nobody takes what came for whole. */
void conn_abort(struct conn *c);
/* Looks at the socket without taking: true when the peer has closed. For long commands that should give up. */
bool conn_peer_gone(struct conn *c);

/* ---- TLS ---- */

/* After the reply that invites it was written: when run returns, output is sent, all received plaintext that was not taken is thrown away
 * (RFC 3207 4.2: no command injection), and the handshake goes on while parked; then CONN_TLS. 0, or ERR_UNSUPPORTED when the listener
 * has no certificate. */
int conn_start_tls(struct conn *c);
bool conn_has_tls(const struct conn *c);           /* established */
bool conn_can_tls(const struct conn *c);           /* not established, and a certificate is there */
/* Channel bindings: tls-exporter (RFC 9266, 32 bytes) and tls-server-end-point (RFC 5929). Appends to out; 0 or ERR_UNSUPPORTED. */
int conn_tls_exporter(struct conn *c, struct buf *out);
int conn_tls_end_point(struct conn *c, struct buf *out);
/* The i-th mail address in the client's certificate, which an authority of tls_options.client_ca vouches for. Appends; 0 or ERR_NOT_FOUND. */
int conn_tls_client_address(struct conn *c, unsigned i, struct buf *out);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384"; the empty slice without TLS. The slice is static or lives with the connection. */
struct str conn_tls_version(const struct conn *c);
struct str conn_tls_cipher(const struct conn *c);
struct str conn_tls_sni(const struct conn *c);     /* the name the client asked for; may be empty */

/* ---- compression, RFC 4978 ---- */

/* After the reply that says so was written: when run returns, output is sent as it is, and from then on everything is compressed both ways, below the
 * session and above TLS. All received and not taken is thrown away now: what was said before must not count as said under compression.
 * 0, ERR_EXISTS when it is so already, or ERR_NO_MEMORY. */
int conn_start_compress(struct conn *c);
/* The other way: what was written is still sent compressed; then neither direction is any more (RFC 8437 4.1). What stands behind the
 * block that the peer ended is kept, as plain input. Nothing happens when it is not compressed. */
void conn_end_compress(struct conn *c);
bool conn_is_compressed(const struct conn *c);

/* ---- who is it ---- */

uint64_t conn_id(const struct conn *c);            /* unique while the process lives */
struct str conn_peer_ip(const struct conn *c);     /* "192.0.2.1" or "2001:db8::1"; from the PROXY header where listed; lives with c */
struct str conn_local_ip(const struct conn *c);
uint16_t conn_peer_port(const struct conn *c);
uint16_t conn_local_port(const struct conn *c);
bool conn_peer_is_loopback(const struct conn *c);
/* Counts the connection for this user (copied). 0, or ERR_BUSY when the user has too many already, or one is set. */
int conn_set_user(struct conn *c, struct str user);
void conn_unset_user(struct conn *c);              /* no user any more: another one may be set */
struct str conn_user(const struct conn *c);        /* empty before */
uint64_t conn_bytes_in(const struct conn *c);
uint64_t conn_bytes_out(const struct conn *c);

/* One log line about this session, with its id, protocol, peer, TLS and user added. fields end with LOG_END. */
void conn_log(struct conn *c, enum log_level level, const char *event, const struct log_field *fields);

/* ---- what is seen from outside: conn_view.h ---- */

/* Where the session stands: "selected". Static. */
void conn_note(struct conn *c, const char *state);
/* Around each command, of the same run of the session; name is static. What it took, without the time in which the peer did not read, is counted by m (NULL: by
 * nothing). Over the configured time it is logged as "slow" with name, state and fields (NULL: none), which must not tell message text or passwords. */
void conn_command_begin(struct conn *c, const char *name);
void conn_command_end(struct conn *c, struct metric *m, const struct log_field *fields);

/* ---- from other threads ---- */

void conn_ref(struct conn *c);                     /* keeps the memory, not the connection */
void conn_unref(struct conn *c);
/* Runs the session with CONN_WAKE soon; harmless when it is closed or running. Never blocks. */
void conn_wake(struct conn *c);

#endif
