#include "codec/imap/status_att.h"
#include "proto/imap/commands.h"
#include "proto/imap/place.h"
#include "proto/imap/status_response.h"

enum imap_result imap_cmd_status(struct imap_request *r)
{
	struct str name;
	uint32_t items;
	if (!imap_mailbox(&r->args, &name) || !imap_sp(&r->args) || !imap_status_args(&r->args, &items) || !imap_end(&r->args))
		return imap_bad_args(r);
	struct imap_place place;
	if (!imap_place_find(r, name, ACL_READ, false, &place))
		return IMAP_REPLIED;
	if (items & IMAP_STATUS_HIGHESTMODSEQ)
		imap_enable_condstore(r);                        /* RFC 7162 3.1 */
	int rc = imap_status_write(r->s, place.told, place.account, &place.mailbox, items);
	return rc ? imap_error(r, rc, NULL) : imap_ok(r, "STATUS completed");
}
