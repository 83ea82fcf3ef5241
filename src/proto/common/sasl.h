/* Server side of SASL (RFC 4422) for every protocol, on the directory. One exchange belongs to one
 * session (one thread at a time). Mechanisms: PLAIN (4616), LOGIN, SCRAM-SHA-256 and -SHA-1, both with -PLUS (7677,
 * 5802; bound by tls-exporter, RFC 9266, or tls-server-end-point, RFC 5929), CRAM-MD5 (2195, users with a secret). Failures are noted for the brake; logging them is the protocol's. */
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

/* octets of base64 in one client response, RFC 4954 section 4 and 5034 */
#define SASL_MESSAGE_MAX 12288

/* Mechanism names usable on this connection now, parted by spaces, the strongest first: those that show a password
 * only with TLS or when the configuration allows it, -PLUS only with TLS, CRAM-MD5 only when a user has a secret.
 * Appends to out. cfg is a snapshot from services_config. */
void sasl_mechanisms(struct conn *c, const struct mail_config *cfg, struct buf *out);

enum sasl_result {
	/* Send `reply` (base64, may be empty) as challenge, then sasl_step with the answer. */
	SASL_CONTINUE,
	/* The user is proven; see sasl_user. `reply` is empty: none of our protocols can carry data with success, so what
	 * SCRAM has to say then goes as one more challenge, to which an empty answer comes (RFC 4954 4, RFC 5034 4). */
	SASL_DONE,
	/* *code_out: ERR_DENIED: wrong or unknown; ERR_BUSY: too many failures; other temporary codes: not the client's
	 * fault. */
	SASL_FAILED,
	/* The client's message is no base64 or breaks the mechanism's syntax. */
	SASL_MALFORMED,
	/* No such mechanism here and now (only from sasl_start). */
	SASL_UNKNOWN,
	/* The mechanism would show the password (only from sasl_start): 5.7.11 of RFC 4954, PRIVACYREQUIRED of RFC 5530. */
	SASL_NEEDS_TLS,
};
/* initial: base64 initial response; initial.p == NULL: none given; "=": given and empty. On SASL_CONTINUE *out must
 * be stepped or destroyed; on SASL_DONE it holds the user; on all others it is NULL. protocol: static. */
enum sasl_result sasl_start(struct conn *c, struct services *s, const struct mail_config *cfg, const char *protocol,
							struct str mechanism, struct str initial, struct sasl **out, struct buf *reply,
							int *code_out);
/* response: one line from the client without its end, base64; "*" must be handled by the caller (cancel: destroy).
 * After anything but SASL_CONTINUE only sasl_user and sasl_destroy may follow. */
enum sasl_result sasl_step(struct sasl *x, struct str response, struct buf *reply, int *code_out);
/* After SASL_DONE; lives with x. An authorisation identity other than the user itself is refused. */
const struct directory_user *sasl_user(const struct sasl *x);
/* Wipes; accepts NULL. Keep nothing of it while idle: copy the user and destroy. */
void sasl_destroy(struct sasl **x);

/* The plain way, for IMAP LOGIN, POP3 USER/PASS: checks TLS policy by the newest configuration (ask
 * login_may_show_password first for an answer that says so), verifies, notes. 0 with *out in the arena; ERR_DENIED;
 * ERR_BUSY; temporary. */
int login_with_password(struct conn *c, struct services *s, const char *protocol, struct arena *a, struct str name,
						struct str password, struct directory_user *out);
/* POP3 APOP (RFC 1939 section 7): digest is 32 hexadecimal digits over banner (angle brackets included) and secret. */
int login_with_apop(struct conn *c, struct services *s, struct arena *a, struct str name, struct str banner,
					struct str digest, struct directory_user *out);
/* The one place where logins enter the audit trail; all of the above do it. user: NULL when refused; name: as given; why: static. */
void login_told(struct conn *c, const char *protocol, const char *mechanism, struct str name, const struct directory_user *user, const char *why);
/* May a password be sent on this connection? */
bool login_may_show_password(struct conn *c, const struct mail_config *cfg);

#endif
