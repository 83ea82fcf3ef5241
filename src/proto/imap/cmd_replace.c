/* REPLACE and UID REPLACE: RFC 8508. How the message arrives: append.h. */
#include "proto/imap/append.h"
#include "proto/imap/message_commands.h"
#include "proto/imap/notify.h"
#include "proto/imap/place.h"

/* Into another account: there is no commit over both, so the new one comes first, and nothing can be lost. */
static int replace_abroad(struct imap_request *r, struct imap_append *a, const struct imap_place *to, uint32_t *uidvalidity_out)
{
	struct imap_selected *selected = &r->s->selected;
	struct rangeset old = RANGESET_INIT;
	int rc = rangeset_add(&old, a->old_uid, a->old_uid);
	if (rc)
		model_drop_blob(a->model, a->item[0].blob, a->account);
	else
		rc = mailbox_append(to->account, to->mailbox.id, a->item, 1, false, uidvalidity_out);
	if (!rc)
		rc = mailbox_expunge(selected->account, selected->mailbox, &old, false, NULL, NULL);
	rangeset_fini(&old);
	return rc;
}

static enum imap_result replace(struct imap_request *r, struct imap_append *a, const struct imap_place *to)
{
	struct imap_selected *selected = &r->s->selected;
	uint32_t uidvalidity = 0;
	bool here = account_id(to->account) == account_id(selected->account);
	int rc = here ? mailbox_replace(to->account, selected->mailbox, a->old_uid, to->mailbox.id, a->item, &uidvalidity)
				  : replace_abroad(r, a, to, &uidvalidity);
	if (!rc) {
		struct range uids = { a->item[0].uid_out, a->item[0].uid_out };
		imap_notify_own(r->s, to->account, to->mailbox.id, &(struct rangeset){ &uids, 1, 1 });
		if (here)
			imap_notify_made(r->s, to->account);
	}
	a->count = 0;                         /* theirs now, or dropped */
	if (rc == ERR_CONFLICT)
		return imap_no(r, "[EXPUNGEISSUED] The message no longer exists");
	if (rc == ERR_NOT_FOUND)
		return imap_no(r, "[TRYCREATE] No such mailbox");
	if (rc)
		return imap_error(r, rc, NULL);
	/* RFC 8508 4.3: before the EXPUNGE, which the dispatcher tells. */
	if (to->rights & ACL_READ)                /* RFC 4315 3 */
		conn_printf(r->conn, "* OK [APPENDUID %u %u] Replacement message ready\r\n", uidvalidity, a->item[0].uid_out);
	return imap_ok(r, "%s completed", r->row->name);
}

enum imap_result imap_cmd_replace(struct imap_request *r)
{
	struct imap_place place;
	if (!imap_replace_end(r) || !imap_append_place(r, &place) || !imap_selected_allows(r, IMAP_REPLACE_RIGHTS))
		return IMAP_REPLIED;
	return replace(r, r->s->append, &place);
}
