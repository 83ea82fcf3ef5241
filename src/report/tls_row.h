/* One row of a TLS report (RFC 8460): how a session with a policy went. Any thread. */
#ifndef REPORT_TLS_ROW_H
#define REPORT_TLS_ROW_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tls_policy_kind { TLS_POLICY_NONE, TLS_POLICY_STS, TLS_POLICY_TLSA };      /* 4.2: no-policy-found, sts, tlsa */

struct tls_row {
	enum tls_policy_kind kind;
	struct str policy;               /* its lines (STS) or records (TLSA), parted by LF; empty without */
	struct str mx_patterns;          /* STS: the mx patterns, parted by LF */
	/* of a failure; all empty for a success */
	struct str result;               /* 4.3: "starttls-not-supported", "certificate-expired", ... */
	struct str sending_ip, receiving_ip, receiving_host, reason;
};
void tls_row_encode(const struct tls_row *r, struct buf *out);
bool tls_row_decode(struct str bytes, struct tls_row *out);

struct tls_report_head {
	struct str org, contact, id, domain;
	int64_t begin, end;              /* unix seconds */
};
struct tally_row;
/* RFC 8460 4.4. 0 or ERR_NO_MEMORY. */
int tls_json_format(const struct tls_report_head *h, const struct tally_row *rows, size_t n, struct buf *out);

#endif
