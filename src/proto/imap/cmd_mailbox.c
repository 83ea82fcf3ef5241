/* CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE: commands that change the tree of mailboxes. */
#include "proto/imap/commands.h"
#include "proto/imap/list_response.h"
#include "proto/imap/notify.h"
#include "proto/imap/object_id.h"
#include "proto/imap/place.h"
#include "proto/imap/use.h"

/* RFC 6154 6: [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"]. False: the reply is set. */
static bool read_use(struct imap_request *r, uint32_t *use_out)
{
	struct imap_cursor *c = &r->args;
	*use_out = MAILBOX_USE_NONE;
	if (imap_peek(c) < 0)
		return true;
	if (!imap_sp(c) || !imap_expect(c, '(', "Expected (") || !imap_take_word(c, "USE") || !imap_sp(c)
		|| !imap_expect(c, '(', "Expected (")) {
		imap_bad(r, "%s", c->error ? c->error : "Unknown parameter");
		return false;
	}
	bool supported = true;
	if (imap_peek(c) == '\\') {
		do {
			struct str name;
			if (!imap_expect(c, '\\', "Expected a special use") || !imap_atom(c, &name))
				break;
			uint32_t bit = imap_use_find(name);
			supported = supported && bit;
			*use_out |= bit;
		} while (imap_peek(c) == ' ' && imap_sp(c));
	}
	if (!imap_expect(c, ')', "Expected )") || !imap_expect(c, ')', "Expected )")) {
		imap_bad_args(r);
		return false;
	}
	if (!supported)
		imap_no(r, "[USEATTR] No such special use");     /* RFC 6154 3 and 5.3 */
	return supported;
}

enum imap_result imap_cmd_create(struct imap_request *r)
{
	struct str name;
	uint32_t use;
	if (!imap_mailbox(&r->args, &name))
		return imap_bad_args(r);
	if (!read_use(r, &use))
		return IMAP_REPLIED;
	if (!imap_end(&r->args))
		return imap_bad_args(r);
	/* RFC 3501 6.3.3: a separator at the end says that there will be children; the name is without it. */
	if (name.n > 1 && name.p[name.n - 1] == MAILBOX_SEPARATOR)
		name.n--;
	struct imap_place place;
	struct err e = { 0 };
	if (!imap_place_name(r, name, &place) || !imap_place_may_create(r, &place))
		return IMAP_REPLIED;
	struct mailbox made;
	int rc = place.own ? mailbox_create(place.account, place.mailbox.name, use, &made, &e)
					   : mailbox_create_as_guest(place.account, place.mailbox.name, use, &e);
	if (!rc && !place.own)
		rc = mailbox_find(place.account, r->arena, place.mailbox.name, &made);
	if (rc == ERR_DENIED)
		return imap_no(r, "[CANNOT] There is nothing below the mailbox of deleted messages");
	if (rc)
		return imap_error(r, rc, &e);
	imap_notify_made(r->s, place.account);
	imap_list_tell_normalized(r, name, name);
	/* RFC 8474 4.1 */
	struct buf id = BUF_INIT(0);
	imap_object_id_write(&id, "MAILBOXID", IMAP_OBJECT_MAILBOX, account_id(place.account), made.id);
	imap_ok(r, "[%.*s] CREATE completed", STR_ARG(buf_str(&id)));
	buf_fini(&id);
	return IMAP_REPLIED;
}

enum imap_result imap_cmd_delete(struct imap_request *r)
{
	struct str name;
	if (!imap_mailbox(&r->args, &name) || !imap_end(&r->args))
		return imap_bad_args(r);
	struct imap_place place;
	struct err e = { 0 };
	if (!imap_place_find(r, name, ACL_DELETE_MAILBOX, true, &place))
		return IMAP_REPLIED;
	int rc = mailbox_delete(place.account, place.mailbox.name, &e);
	if (rc == ERR_DENIED)
		return imap_no(r, "[CANNOT] INBOX cannot be deleted");
	if (rc == ERR_CONFLICT)
		return imap_no(r, "[HASCHILDREN] Delete what is below it first");
	if (rc)
		return imap_error(r, rc, &e);
	imap_notify_made(r->s, place.account);
	return imap_ok(r, "DELETE completed");
}

enum imap_result imap_cmd_rename(struct imap_request *r)
{
	struct str from, to;
	if (!imap_mailbox(&r->args, &from) || !imap_sp(&r->args) || !imap_mailbox(&r->args, &to) || !imap_end(&r->args))
		return imap_bad_args(r);
	if (to.n > 1 && to.p[to.n - 1] == MAILBOX_SEPARATOR)
		to.n--;
	struct imap_place place, target;
	struct err e = { 0 };
	if (!imap_place_find(r, from, ACL_DELETE_MAILBOX, true, &place) || !imap_place_name(r, to, &target) || !imap_place_may_create(r, &target))
		return IMAP_REPLIED;
	if (place.account != target.account)
		return imap_no(r, "[CANNOT] A mailbox stays in its account; copy its messages");
	/* It would move the messages into a new mailbox (RFC 3501 6.3.5): for the owner to do. */
	if (!place.own && str_eq(place.mailbox.name, STR("INBOX")))
		return imap_no(r, "[NOPERM] Only its owner renames INBOX");
	int rc = mailbox_rename(place.account, place.mailbox.name, target.mailbox.name, &e);
	if (rc == ERR_DENIED)
		return imap_no(r, "[CANNOT] There is nothing below the mailbox of deleted messages");
	if (rc)
		return imap_error(r, rc, &e);
	imap_notify_made(r->s, place.account);
	imap_list_tell_normalized(r, to, from);
	return imap_ok(r, "RENAME completed");
}

static enum imap_result subscribe(struct imap_request *r, bool subscribed)
{
	struct str name;
	if (!imap_mailbox(&r->args, &name) || !imap_end(&r->args))
		return imap_bad_args(r);
	struct err e = { 0 };
	int rc = subscription_set(r->s->account, name, subscribed, &e);
	return rc ? imap_error(r, rc, &e) : imap_ok(r, "%s completed", r->row->name);
}

enum imap_result imap_cmd_subscribe(struct imap_request *r)
{
	return subscribe(r, true);
}

enum imap_result imap_cmd_unsubscribe(struct imap_request *r)
{
	return subscribe(r, false);
}
