/* COPY: RFC 3501 6.4.7. MOVE: RFC 6851. COPYUID: RFC 4315 3. */
#include "proto/imap/message_commands.h"

#include "proto/imap/message_limit.h"
#include "proto/imap/message_set.h"
#include "proto/imap/notify.h"
#include "proto/imap/place.h"
#include "proto/imap/sync.h"

struct copy {
	struct rangeset numbers, uids;       /* what the client named */
	struct rangeset source, target;      /* what was copied: they correspond in order */
	uint32_t uidvalidity;
};

static void copy_fini(struct copy *c)
{
	rangeset_fini(&c->numbers);
	rangeset_fini(&c->uids);
	rangeset_fini(&c->source);
	rangeset_fini(&c->target);
}

/* "[COPYUID 38505 304,319:320 3956:3958]" */
static struct str copyuid(struct imap_request *r, const struct copy *c)
{
	struct buf b = BUF_INIT(0);
	buf_printf(&b, "[COPYUID %u ", c->uidvalidity);
	rangeset_format(&c->source, &b);
	buf_add_char(&b, ' ');
	rangeset_format(&c->target, &b);
	buf_add_char(&b, ']');
	struct str code = b.failed ? STR_NONE : arena_dup(r->arena, buf_str(&b));
	buf_fini(&b);
	return code;
}

static enum imap_result answer(struct imap_request *r, const struct copy *c, const struct imap_place *target, bool uid, bool move)
{
	if (c->source.n == 0 && !uid && c->numbers.n) {
		/* RFC 2180 4.4.1; the EXPUNGE responses follow. */
		return imap_no(r, "[EXPUNGEISSUED] The messages no longer exist");
	}
	/* RFC 4315 3: no COPYUID when nothing was copied. */
	if (c->source.n == 0)
		return imap_ok(r, "No such messages");
	imap_notify_own(r->s, target->account, target->mailbox.id, &c->target);
	imap_notify_made(r->s, target->account);
	/* RFC 4315 3: who may not look into the target is not told its UIDs. */
	struct str code = target->rights & ACL_READ ? copyuid(r, c) : STR_NONE;
	if (!move)
		return code.n ? imap_ok(r, "%.*s %s completed", STR_ARG(code), r->row->name) : imap_ok(r, "%s completed", r->row->name);
	/* RFC 6851 4.3: before the EXPUNGE responses. */
	if (code.n) {
		conn_write_lit(r->conn, "* OK ");
		conn_write_str(r->conn, code);
		conn_write_lit(r->conn, " Moved\r\n");
	}
	/* RFC 6851 4.4, once the client was told which messages are gone. */
	struct imap_session *s = r->s;
	if (imap_sync(s, true) == 0 && imap_condstore(s) && s->selected.view)
		return imap_ok(r, "[HIGHESTMODSEQ %llu] %s completed", (unsigned long long)imap_told_modseq(&s->selected), r->row->name);
	return imap_ok(r, "%s completed", r->row->name);
}

/* Into another account it is a copy that is durable before the source is expunged: a crash in between leaves both, never none. */
static int across(struct imap_selected *from, const struct imap_place *to, struct copy *c, bool move)
{
	int err = mailbox_copy_across(from->account, from->mailbox, to->account, to->mailbox.id, &c->uids, imap_rights_kept(to->rights), &c->source, &c->target,
								  &c->uidvalidity);
	if (!err && move && c->source.n)
		err = mailbox_expunge(from->account, from->mailbox, &c->source, false, NULL, NULL);
	return err;
}

static enum imap_result copy_to(struct imap_request *r, struct copy *c, struct str name, bool uid, bool move)
{
	struct imap_selected *from = &r->s->selected;
	struct imap_place to;
	/* RFC 6851 3.3: what COPY, STORE +FLAGS (\Deleted) and EXPUNGE need. */
	if ((move && !imap_selected_allows(r, ACL_DELETE_MESSAGE | ACL_EXPUNGE)) || !imap_place_target(r, name, &to))
		return IMAP_REPLIED;
	int err = imap_numbers_to_uids(from->view, &c->numbers, &c->uids);
	if (!err && c->uids.n && account_id(to.account) != account_id(from->account))
		err = across(from, &to, c, move);
	else if (!err && c->uids.n)
		err = mailbox_copy_kept(from->account, from->mailbox, to.mailbox.id, &c->uids, move, imap_rights_kept(to.rights), &c->source, &c->target,
								&c->uidvalidity);
	return err ? imap_error(r, err, NULL) : answer(r, c, &to, uid, move);
}

static enum imap_result copy(struct imap_request *r, bool uid, bool move)
{
	struct copy c = { .uidvalidity = 0 };
	struct str name;
	enum imap_result result = IMAP_REPLIED;
	if (imap_read_messages(r, uid, &c.numbers)) {
		if (imap_sp(&r->args) && imap_mailbox(&r->args, &name) && imap_end(&r->args)) {
			if (move)
				imap_message_limit_cut(r, &c.numbers);
			if (move || imap_message_limit_allows(r, rangeset_count(&c.numbers), &c.numbers))
				result = copy_to(r, &c, name, uid, move);
		}
		else
			result = imap_bad_args(r);
	}
	copy_fini(&c);
	return result;
}

enum imap_result imap_cmd_copy(struct imap_request *r) { return copy(r, false, false); }
enum imap_result imap_cmd_uid_copy(struct imap_request *r) { return copy(r, true, false); }
enum imap_result imap_cmd_move(struct imap_request *r) { return copy(r, false, true); }
enum imap_result imap_cmd_uid_move(struct imap_request *r) { return copy(r, true, true); }
