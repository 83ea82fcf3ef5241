/* APPEND: RFC 3501 6.3.11, with several messages RFC 3502. How they arrive: append.h. */
#include "proto/imap/append.h"
#include "proto/imap/commands.h"
#include "proto/imap/notify.h"
#include "proto/imap/place.h"

enum imap_result imap_cmd_append(struct imap_request *r)
{
	struct imap_place place;
	uint32_t uidvalidity;
	if (!imap_append_end(r) || !imap_append_place(r, &place))
		return IMAP_REPLIED;
	struct imap_append *a = r->s->append;
	int rc = mailbox_append(place.account, place.mailbox.id, a->item, a->count, false, &uidvalidity);
	struct str code = rc ? STR_NONE : imap_append_uids(r, uidvalidity);
	if (!rc) {
		struct range uids = { a->item[0].uid_out, a->item[a->count - 1].uid_out };
		imap_notify_own(r->s, place.account, place.mailbox.id, &(struct rangeset){ &uids, 1, 1 });
		imap_notify_made(r->s, place.account);
	}
	a->count = 0;                         /* theirs now, or dropped */
	if (rc == ERR_NOT_FOUND)
		return imap_no(r, "[TRYCREATE] No such mailbox");
	if (rc)
		return imap_error(r, rc, NULL);
	/* RFC 4315 3: who may not look into the mailbox is not told its UIDs. */
	return place.rights & ACL_READ ? imap_ok(r, "%.*s APPEND completed", STR_ARG(code)) : imap_ok(r, "APPEND completed");
}
