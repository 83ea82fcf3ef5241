/* The octets that an IMAP URL names in a mailbox: for CATENATE (RFC 4469), URLFETCH (RFC 4467, RFC 5524) and BURL (RFC 4468). Who may read them
 * is asked before. Any thread; nothing is locked while one is open. */
#ifndef PROTO_COMMON_URL_PART_H
#define PROTO_COMMON_URL_PART_H

#include "codec/imap/section.h"
#include "codec/imap/url.h"
#include "model/model.h"

struct url_part {
	struct account *account;         /* borrowed: it must be open as long as this is */
	struct store_blob_view blob;
	struct str message;              /* the whole of it */
	struct str summary;              /* of the message, in the arena */
	struct imap_section section;     /* with the partial */
	struct imap_located located;
	struct buf scratch;
};

/* Finds the message and the section. 0; ERR_NOT_FOUND: no such message, or another UIDVALIDITY; ERR_INVALID: no such section is possible;
 * or what reading can fail with. A part that the message has not is located.nil. */
int url_part_open(struct account *account, uint32_t mailbox, const struct imap_url *url, struct arena *a, struct url_part *out);
/* As email_intact: ask after the octets were used. */
bool url_part_intact(const struct url_part *p);
void url_part_close(struct url_part *p);             /* also after a failed open */

/* The octets as BODY[section] gives them; they live until close or the next call. p->scratch.failed: out of memory. Not for nil. */
struct str url_part_octets(struct url_part *p);
/* The same as BINARY[section] gives them, for sections that are parts (part numbers alone, or nothing). False: the encoding is unknown. */
bool url_part_decoded(struct url_part *p, struct str *out);

#endif
