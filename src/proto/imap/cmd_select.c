/* SELECT and EXAMINE; CLOSE and UNSELECT. */
#include "codec/imap/select_args.h"
#include "proto/imap/commands.h"
#include "proto/imap/list_response.h"
#include "proto/imap/notify.h"
#include "proto/imap/object_id.h"
#include "proto/imap/place.h"
#include "proto/imap/resync.h"
#include "proto/imap/quota_root.h"
#include "proto/imap/select.h"
#include "proto/imap/sync.h"

/* RFC 4314 5.2: without any of them the mailbox is told to be READ-ONLY. */
#define CHANGING_RIGHTS (ACL_INSERT | ACL_EXPUNGE | ACL_SEEN | ACL_WRITE | ACL_DELETE_MESSAGE)

void imap_tell_highestmodseq(struct imap_session *s)
{
	conn_printf(s->conn, "* OK [HIGHESTMODSEQ %llu] Highest\r\n", (unsigned long long)imap_told_modseq(&s->selected));
}

/* Opens the view first and claims what is \Recent after it: a message that comes in between is claimed, and comes with the next news. */
static int open_selected(struct imap_session *s, const struct imap_place *place, bool read_only)
{
	struct imap_selected *sel = &s->selected;
	uint32_t mailbox = place->mailbox.id, first, until;
	int rc = account_open(services_model(s->services), account_id(place->account), &sel->account);
	if (rc)
		return rc;
	sel->rights = place->rights;
	rc = view_open(sel->account, mailbox, &sel->view);
	if (rc)
		return rc;
	sel->mailbox = mailbox;
	sel->read_only = read_only;
	if (imap_rev2(s))
		return 0;
	rc = mailbox_recent(sel->account, mailbox, !read_only, &first, &until);
	/* A full disk forbids the claim, not the reading: a later session will see them as recent too (RFC 3501 2.3.2 allows it). */
	if (rc && !read_only && err_class(rc) == ERR_CLASS_TEMPORARY)
		rc = mailbox_recent(sel->account, mailbox, false, &first, &until);
	if (!rc && first < until)
		rc = rangeset_add(&sel->recent, first, until - 1);
	return rc;
}

/* RFC 3501 6.3.1. For IMAP4rev2 neither RECENT nor UNSEEN, but LIST: RFC 9051 6.3.2, appendix E 10 to 12. */
static int tell_selected(struct imap_request *r, struct str supplied, const struct imap_place *place)
{
	struct imap_session *s = r->s;
	const struct view *v = s->selected.view;
	bool rev2 = imap_rev2(s);
	imap_write_mailbox_flags(s, v);
	conn_printf(s->conn, "* %u EXISTS\r\n", view_count(v));
	if (!rev2)
		conn_printf(s->conn, "* %u RECENT\r\n", imap_recent_count(&s->selected));
	if (!rev2 && view_first_unseen(v) < view_count(v) && !imap_uidonly(s))       /* a message number */
		conn_printf(s->conn, "* OK [UNSEEN %u] First unseen\r\n", view_first_unseen(v) + 1);
	conn_write_lit(s->conn, "* OK [URLMECH INTERNAL] For GENURLAUTH\r\n");        /* RFC 4467 8 */
	conn_printf(s->conn, "* OK [UIDVALIDITY %u] UIDs valid\r\n", view_uidvalidity(v));
	conn_printf(s->conn, "* OK [UIDNEXT %u] Predicted next UID\r\n", view_uidnext(v));
	imap_tell_highestmodseq(s);
	struct buf *out = conn_out(s->conn);
	buf_add_lit(out, "* OK [");                      /* RFC 8474 4.2 */
	imap_object_id_write(out, "MAILBOXID", IMAP_OBJECT_MAILBOX, account_id(s->selected.account), s->selected.mailbox);
	buf_add_lit(out, "] Its identifier\r\n");
	if (!rev2)
		return 0;
	struct str name = arena_printf(r->arena, "%.*s%.*s", STR_ARG(place->prefix), STR_ARG(place->mailbox.name));
	return name.p ? imap_list_tell(r, name, supplied) : ERR_NO_MEMORY;
}

static enum imap_result select_mailbox(struct imap_request *r, bool read_only)
{
	struct imap_session *s = r->s;
	struct str name;
	struct imap_select args;
	if (!imap_mailbox(&r->args, &name) || !imap_select_args(&r->args, &args))
		return imap_bad_args(r);
	if (args.has_qresync && !imap_qresync(s))
		return imap_bad(r, "Use ENABLE QRESYNC first");                    /* RFC 7162 3.2.5 */
	if (args.qresync.has_sample && imap_uidonly(s))
		return imap_bad(r, "[UIDREQUIRED] Message numbers were given up by ENABLE UIDONLY");
	/* RFC 3501 6.3.1: what was selected is so no more, even if this one fails. CLOSED: RFC 7162 3.2.11, whatever was enabled. */
	bool closed = s->state == IMAP_SELECTED;
	imap_unselect(s);
	if (args.condstore)
		s->enabled |= IMAP_ENABLED_CONDSTORE;
	if (closed)
		conn_write_lit(r->conn, "* OK [CLOSED] Previous mailbox closed\r\n");

	struct imap_place place;
	if (!imap_place_find(r, name, ACL_READ, false, &place))
		return IMAP_REPLIED;
	read_only |= !(place.rights & CHANGING_RIGHTS);
	int rc = open_selected(s, &place, read_only);
	if (rc) {
		imap_unselect(s);
		return imap_error(r, rc, NULL);
	}
	s->state = IMAP_SELECTED;
	rc = tell_selected(r, name, &place);
	if (!rc && args.has_qresync)
		rc = imap_resync(s, &args.qresync);
	imap_notify_follow(s);
	if (rc) {
		imap_unselect(s);
		return imap_error(r, rc, NULL);
	}
	imap_quota_warn(s);
	return imap_ok(r, "[%s] %s completed", read_only ? "READ-ONLY" : "READ-WRITE", r->row->name);
}

enum imap_result imap_cmd_select(struct imap_request *r)
{
	return select_mailbox(r, false);
}

enum imap_result imap_cmd_examine(struct imap_request *r)
{
	return select_mailbox(r, true);
}

/* RFC 3501 6.4.2: expunges without a word about it, unless the mailbox is read-only. */
enum imap_result imap_cmd_close(struct imap_request *r)
{
	struct imap_session *s = r->s;
	/* RFC 4314 section 4: without the right to expunge it only closes. */
	if (!s->selected.read_only && !s->selected.gone && s->selected.rights & ACL_EXPUNGE) {
		int rc = mailbox_expunge(s->selected.account, s->selected.mailbox, NULL, true, NULL, NULL);
		if (rc && rc != ERR_NOT_FOUND)
			return imap_error(r, rc, NULL);
	}
	imap_unselect(s);
	return imap_ok(r, "CLOSE completed");
}

enum imap_result imap_cmd_unselect(struct imap_request *r)
{
	imap_unselect(r->s);
	return imap_ok(r, "UNSELECT completed");
}
