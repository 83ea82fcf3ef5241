/* Every size and count that a peer drives, in one place. The configurable ones are in proto/common/services.h. */
#ifndef PROTO_SMTP_LIMITS_H
#define PROTO_SMTP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define SMTP_LINE_MAX 12290             /* octets with CRLF: RFC 4954 section 4 asks for 12288 in AUTH; RFC 5321 4.5.3.1.4 for 512 */
#define SMTP_BURL_ARENA_MAX ((size_t)4 << 20)      /* octets of memory for what a URL of BURL leads to: mostly one summary */
#define SMTP_LONG_LINE_MAX 65536        /* octets of a line of message text; RFC 5321 4.5.3.1.6 asks for 1000, the world sends more */
#define SMTP_TRANSACTION_MEMORY_MAX ((size_t)4 << 20)    /* bytes for all recipients of one transaction */
#define SMTP_TARGETS_MAX 10000          /* accounts that one message may reach after alias expansion */
#define SMTP_FRONT_MAX ((size_t)16 << 10)                 /* octets that we may put before a message: trace, results of checks, signatures */
#define SMTP_CHECK_MS_MAX 20000         /* for all questions about one message together */
#define SMTP_ETRN_DESTINATIONS_MAX 10000                  /* destinations looked at for ETRN @domain */
#define SMTP_HELO_MAX 255               /* octets kept of the peer's name */
#define SMTP_TRANSACTIONS_MAX 10000     /* messages on one connection, then 421 */

#define SMTP_TOLD_MAX 100               /* refusals of one session that are logged; all are counted */
#define SMTP_PARAMS_MAX 32              /* parameters of MAIL or RCPT that filters are told */
#define SMTP_DELAY_MS_MAX ((uint64_t)60 * 1000)          /* that a gate may hold a reply back: RFC 5321 4.5.3.2 gives clients 2 minutes and more */

#endif
