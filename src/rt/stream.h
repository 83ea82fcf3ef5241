/* A connection that we open: TCP or a local socket, then perhaps TLS. Blocking, with a time limit on every call.
 * Threads: one at a time. Used by outbound (SMTP, LMTP), milter and tests. Errors: ERR_TIMEOUT, ERR_CLOSED (the peer ended
 * it), ERR_IO (refused, unreachable, reset), ERR_TOO_BIG (a line over its limit), ERR_DENIED (TLS: the certificate is not what
 * the policy asks), ERR_INVALID (TLS: the handshake failed otherwise). After an error the stream is good for close only, but for
 * one: when writing failed, what the peer had said until then can still be read (RFC 5321 3.8: 421 and gone).
 * While the peer does not take what we write, what it says is kept (STREAM_AHEAD_MAX), so that pipelining cannot lock both up. */
#ifndef RT_STREAM_H
#define RT_STREAM_H

#include "base/err.h"
#include "base/str.h"
#include "rt/dns.h"
#include "rt/net.h"

#include <stdbool.h>
#include <stdint.h>

struct stream;

struct stream_target {
	struct net_endpoint peer;             /* ignored when path is set */
	const char *path;                     /* a local socket */
	const struct net_addr *source;        /* bind to it; NULL: the kernel chooses */
	uint64_t timeout_ms;                  /* to connect; 0: 30 s */
	const _Atomic bool *cancel;           /* once it is true, whatever waits or is about to ends with ERR_CLOSED within a moment; may be NULL */
};
int stream_connect(const struct stream_target *t, struct stream **out, struct err *e);
/* Takes over a connected socket that the caller opened: one end of a pair, say, with a process at the other. Its timeouts are the usual ones; it is closed with
 * the stream, and also when there is no memory for one. cancel as above. */
int stream_adopt(int fd, const _Atomic bool *cancel, struct stream **out, struct err *e);
void stream_close(struct stream **s);     /* accepts NULL; no polite TLS goodbye is waited for */
/* Milliseconds that any later read, write, flush or handshake may take without progress; 0: 5 minutes. */
void stream_set_timeout(struct stream *s, uint64_t ms);
/* clock_mono_ms after which every call ends with ERR_TIMEOUT, progress or not; 0: none. */
void stream_set_deadline(struct stream *s, uint64_t mono_ms);

/* One line without its CRLF (a bare LF ends one too). Lives until the next read. */
int stream_read_line(struct stream *s, size_t max, struct str *line_out);
/* Exactly n bytes. */
int stream_read_exact(struct stream *s, void *p, size_t n);
/* Whether bytes are there to be read without waiting, or the peer has closed. */
bool stream_readable(struct stream *s);
/* Buffered; large pieces go straight to the socket. A read flushes first. */
int stream_write(struct stream *s, const void *p, size_t n);
static inline int stream_write_str(struct stream *s, struct str x) { return stream_write(s, x.p, x.n); }
int stream_printf(struct stream *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
int stream_flush(struct stream *s);

/* ---- TLS, client side ---- */

enum tls_trust {
	TLS_TRUST_ANY,        /* opportunistic: encrypt, believe nothing (RFC 7435) */
	TLS_TRUST_PKIX,       /* a chain to the system's roots (or ca_file), and one of the names */
	TLS_TRUST_DANE,       /* one of the TLSA records, RFC 7672 3 (DANE-TA(2) with one of the names, DANE-EE(3) without) */
};
struct tls_client_policy {
	enum tls_trust trust;
	struct str sni;                       /* server name to send; empty: none */
	const struct str *names;              /* reference identifiers, RFC 6125 and 7672 3.2.2; no wildcards in them */
	size_t n_names;
	const struct dns_record *tlsa;        /* unusable ones are passed over; none usable: "tlsa-invalid" before the handshake */
	size_t n_tlsa;
	const char *ca_file;                  /* NULL: the system's; tests */
};
/* Whether one can authenticate by this record at all (RFC 7672 3.1.3, 3.1.1: usages 0 and 1 are no use for SMTP). */
bool stream_tlsa_usable(const struct dns_record *r);
/* What happened, for the log and for TLS-RPT (RFC 8460 4.3). Strings are static or live with the stream. */
struct tls_client_result {
	bool ok;
	struct str version, cipher, peer_name;
	const char *failure;                  /* "certificate-expired", "certificate-host-mismatch", "certificate-not-trusted",
	                                       * "validation-failure", "tlsa-invalid"; NULL when ok */
	char detail[160];
};
/* Timeouts and ends of stream within the handshake come back as such. PKIX and DANE need a name. */
int stream_start_tls(struct stream *s, const struct tls_client_policy *p, struct tls_client_result *out, struct err *e);
bool stream_has_tls(const struct stream *s);
/* What the peer sent in plain before the handshake and was not read yet: must be nothing (injection, RFC 3207 6). */
bool stream_has_pending(const struct stream *s);
struct net_endpoint stream_local(const struct stream *s);
uint64_t stream_bytes_in(const struct stream *s);
uint64_t stream_bytes_out(const struct stream *s);

#endif
