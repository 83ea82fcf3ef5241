/* The data items of a FETCH response that need no message text (RFC 3501 7.4.2, RFC 7162 7, RFC 8514 4.2). Writes into a buffer, does no
 * I/O. Threads: as session.h. */
#ifndef PROTO_IMAP_FETCH_ITEMS_H
#define PROTO_IMAP_FETCH_ITEMS_H

#include "base/buf.h"
#include "codec/imap/fetch_att.h"
#include "codec/mime/summary.h"
#include "proto/imap/session.h"

#include <stdbool.h>
#include <stdint.h>

/* What is the same for all messages of one response: made once, holds while the view does. */
struct imap_items {
	const struct rangeset *recent;
	const struct str *keyword;
	unsigned keyword_count;
	uint64_t account;                    /* whose emails they show */
	bool utf8;
	bool uidonly;                    /* RFC 9586 */
};
void imap_items_init(struct imap_items *i, const struct imap_session *s);

/* "* 12 FETCH " or its like (fetch_head.h): what the items come behind. Each begins with *separator. */
void imap_items_begin(const struct imap_items *i, struct buf *out, uint32_t number, const struct message *m, char *separator);
/* The items of the set that stand in the view (IMAP_FETCH_VIEW_ITEMS); others are passed over. */
void imap_items_view(const struct imap_items *i, struct buf *out, char *separator, uint32_t items, const struct message *m);
/* THREADID. */
void imap_items_email(const struct imap_items *i, struct buf *out, char *separator, uint32_t items, const struct email *email);
/* ENVELOPE, BODY, BODYSTRUCTURE and PREVIEW. 0 or ERR_CORRUPT (out then has a part of it). */
int imap_items_summary(const struct imap_items *i, struct buf *out, char *separator, uint32_t items, const struct mime_summary *s);
/* ")" and the line end. */
void imap_items_end(struct buf *out);

/* A whole response of view items. */
void imap_items_response(const struct imap_items *i, struct buf *out, uint32_t number, uint32_t items, const struct message *m);
/* What every FETCH response that was not asked for has beside FLAGS: MODSEQ once CONDSTORE is known (RFC 7162 3.1), then, and for clients of
 * IMAP4rev2, the UID too (RFC 7162 3.1.4.2), unless the head of the response is the UID (RFC 9586). */
uint32_t imap_items_unasked(const struct imap_session *s);

/* cmd_fetch.c: FETCH responses that no command asked for, about these numbers of the selected mailbox. What cannot be read is left out, and nothing becomes
 * \Seen. 0 or ERR_NO_MEMORY. */
int imap_fetch_unasked(struct imap_session *s, const struct imap_fetch *wanted, const struct rangeset *numbers);

#endif
