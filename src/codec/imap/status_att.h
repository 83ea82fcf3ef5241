/* What STATUS asks for: RFC 3501 6.3.10, RFC 9051 6.3.11 (SIZE, DELETED), RFC 7162 3.1.7. For one thread. */
#ifndef CODEC_IMAP_STATUS_ATT_H
#define CODEC_IMAP_STATUS_ATT_H

#include "codec/imap/cursor.h"

#include <stdint.h>

enum imap_status_item {
	IMAP_STATUS_MESSAGES = 1 << 0,
	IMAP_STATUS_RECENT = 1 << 1,
	IMAP_STATUS_UIDNEXT = 1 << 2,
	IMAP_STATUS_UIDVALIDITY = 1 << 3,
	IMAP_STATUS_UNSEEN = 1 << 4,
	IMAP_STATUS_DELETED = 1 << 5,
	IMAP_STATUS_SIZE = 1 << 6,               /* RFC 8438 */
	IMAP_STATUS_HIGHESTMODSEQ = 1 << 7,
	IMAP_STATUS_DELETED_STORAGE = 1 << 8,    /* RFC 9208 4.1.4 */
	IMAP_STATUS_MAILBOXID = 1 << 9,          /* RFC 8474 4.3 */
	IMAP_STATUS_APPENDLIMIT = 1 << 10,       /* RFC 7889 3 */
};

/* "(" status-att *(SP status-att) ")": a set of enum imap_status_item. */
bool imap_status_list(struct imap_cursor *c, uint32_t *items_out);
/* The same, and nothing behind it. */
bool imap_status_args(struct imap_cursor *c, uint32_t *items_out);

#endif
