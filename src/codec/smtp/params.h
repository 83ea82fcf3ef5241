/* The values of ESMTP parameters, one function each: RFC 1870, 2852, 3461, 3865, 4865, 6533, 6710. Pure; any thread; no allocation but in the buffers
 * that callers hand in. Each returns NULL when the value is right, else a static text saying what is wrong, fit for a 501; outputs are then
 * untouched. */
#ifndef CODEC_SMTP_PARAMS_H
#define CODEC_SMTP_PARAMS_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define SMTP_ENVID_MAX 100            /* octets as sent, RFC 3461 4.4 */
#define SMTP_ORCPT_MAX 500            /* octets as sent, 4.2 */
#define SMTP_SOLICIT_MAX 1000         /* octets, RFC 3865 2.2 */

enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME, SMTP_BODY_BINARYMIME };
const char *smtp_param_body(struct str value, enum smtp_body *out);

/* RFC 1870 section 3: 1 to 20 digits. */
const char *smtp_param_size(struct str value, uint64_t *out);

/* RFC 3461 4.1: NEVER alone, or others in a list. */
enum smtp_notify { SMTP_NOTIFY_NEVER = 1, SMTP_NOTIFY_SUCCESS = 2, SMTP_NOTIFY_FAILURE = 4, SMTP_NOTIFY_DELAY = 8 };
const char *smtp_param_notify(struct str value, unsigned *bits_out);

/* RFC 3461 4.2, with the type utf-8 by RFC 6533 section 3 in its three forms (the two that hold UTF-8 only when the transaction has SMTPUTF8).
 * UTF-8 in xtext of type rfc822 becomes that, too, when the transaction has SMTPUTF8. Appends "type;address", decoded. */
const char *smtp_param_orcpt(struct str value, bool smtputf8, struct buf *out);

enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };
const char *smtp_param_ret(struct str value, enum smtp_ret *out);

/* RFC 3461 4.4: appends the decoded identifier. */
const char *smtp_param_envid(struct str value, struct buf *out);

/* RFC 2852 section 4. */
struct smtp_by {
	int64_t seconds;                  /* may be negative, unless `returns` */
	bool returns;                     /* mode R; otherwise N */
	bool trace;
};
const char *smtp_param_by(struct str value, struct smtp_by *out);

/* RFC 4865 section 3: seconds from now, and a moment (RFC 3339 in UTC, "2026-11-26T09:00:00Z") as unix seconds. */
const char *smtp_param_holdfor(struct str value, uint64_t *seconds_out);
const char *smtp_param_holduntil(struct str value, int64_t *unix_out);
/* The latter's form. */
void smtp_format_utc(struct buf *b, int64_t unix_seconds);

/* RFC 6710 section 7: -9 to 9. */
const char *smtp_param_priority(struct str value, int *out);

/* RFC 3865 2.2: words parted by commas. Also for what is configured. */
const char *smtp_param_solicit(struct str value);
/* The first word of `given` that is also one of `refused`, without case; empty: none. Both are valid or empty. */
struct str smtp_solicit_match(struct str given, struct str refused);

#endif
