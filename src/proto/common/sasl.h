/* Server side of SASL (RFC 4422) for every protocol, on GNU SASL and the directory. One exchange belongs to one session (one thread at a time).
 * Mechanisms: PLAIN (4616), LOGIN, SCRAM-SHA-256 and -PLUS (7677, 5802; tls-exporter RFC 9266), CRAM-MD5 (2195, users with a secret). */
#ifndef PROTO_COMMON_SASL_H
#define PROTO_COMMON_SASL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "proto/common/services.h"
#include "rt/conn.h"

#include <stdbool.h>

struct sasl;

#define SASL_MESSAGE_MAX 12288             /* octets of base64 in one client response, RFC 4954 section 4 and 5034 */

/* Mechanism names usable on this connection now, parted by spaces (" SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN" without the first space): those that show a password only
 * with TLS or when the configuration allows it, -PLUS only with TLS. Appends to out. */
void sasl_mechanisms(struct conn *c, const struct mail_config *cfg, struct buf *out);

enum sasl_result {
	SASL_CONTINUE,                         /* send `reply` (base64, may be empty) as challenge, then sasl_step with the answer */
	SASL_DONE,                             /* user is proven; see sasl_user. `reply`, if not empty, is additional data for success (base64) */
	SASL_FAILED,                           /* wrong or unknown: ERR_DENIED in *code_out; ERR_BUSY: too many failures, temporary codes: not the client's fault */
	SASL_MALFORMED,                        /* the client's message is no base64 or breaks the mechanism's syntax */
	SASL_UNKNOWN,                          /* no such mechanism (only from sasl_start) */
	SASL_NEEDS_TLS,                        /* the mechanism would show the password (only from sasl_start): RFC 5.7.11 / PRIVACYREQUIRED */
};
/* initial: base64 initial response; initial.p == NULL: none given; "=" : given and empty. On SASL_CONTINUE *out must be stepped or destroyed. */
enum sasl_result sasl_start(struct conn *c, struct services *s, const struct mail_config *cfg, const char *protocol, struct str mechanism,
							struct str initial, struct sasl **out, struct buf *reply, int *code_out);
/* response: one line from the client without its end, base64; "*" must be handled by the caller (cancel: destroy). */
enum sasl_result sasl_step(struct sasl *x, struct str response, struct buf *reply, int *code_out);
/* After SASL_DONE; lives with x. An authorisation identity other than the user itself is refused. */
const struct directory_user *sasl_user(const struct sasl *x);
void sasl_destroy(struct sasl **x);        /* wipes; accepts NULL */

/* The plain way, for IMAP LOGIN, POP3 USER/PASS: checks TLS policy, verifies, notes. 0 with *out in the arena; ERR_DENIED; ERR_BUSY; temporary. */
int login_with_password(struct conn *c, struct services *s, const char *protocol, struct arena *a, struct str name, struct str password,
						struct directory_user *out);
/* POP3 APOP (RFC 1939 section 7): digest is 32 hexadecimal digits over banner and secret. */
int login_with_apop(struct conn *c, struct services *s, struct arena *a, struct str name, struct str banner, struct str digest,
					struct directory_user *out);
/* May a password be sent on this connection? */
bool login_may_show_password(struct conn *c, const struct mail_config *cfg);

#endif
