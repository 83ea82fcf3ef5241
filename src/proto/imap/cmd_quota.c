/* GETQUOTA, GETQUOTAROOT, SETQUOTA: RFC 9208 4.1. */
#include "audit/audit.h"
#include "codec/imap/format.h"
#include "codec/imap/quota_args.h"
#include "proto/imap/commands.h"
#include "proto/imap/place.h"
#include "proto/imap/quota_root.h"

#define KIB 1024u

/* The account of a root; the caller closes it. Others' roots are there for administrators only: the usage of others is confidential
 * (section 8), and so is who there is. False: the reply is set. */
static bool open_root(struct imap_request *r, struct str root, struct account **out, struct str *name_out)
{
	struct imap_session *s = r->s;
	struct directory_user user = { .account = account_id(s->account), .name = conn_user(s->conn) };
	int rc = 0;
	if (root.n && !str_ieq(root, user.name))
		rc = imap_is_admin(s) ? directory_user_find(services_directory(s->services), r->arena, root, &user) : ERR_NOT_FOUND;
	if (!rc)
		rc = account_open(services_model(s->services), user.account, out);
	*name_out = user.name;
	if (rc == ERR_NOT_FOUND)
		imap_no(r, "[NONEXISTENT] No such quota root");
	else if (rc)
		imap_error(r, rc, NULL);
	return rc == 0;
}

static enum imap_result write_root(struct imap_request *r, struct str root, struct account *account)
{
	int rc = imap_quota_write(r->s, root, account);
	return rc ? imap_error(r, rc, NULL) : imap_ok(r, "%s completed", r->row->name);
}

enum imap_result imap_cmd_getquota(struct imap_request *r)
{
	struct str root, name;
	struct account *account;
	if (!imap_get_quota_args(&r->args, &root))
		return imap_bad_args(r);
	if (!open_root(r, root, &account, &name))
		return IMAP_REPLIED;
	enum imap_result result = write_root(r, name, account);
	account_close(&account);
	return result;
}

enum imap_result imap_cmd_getquotaroot(struct imap_request *r)
{
	struct str name;
	struct imap_place place;
	if (!imap_mailbox(&r->args, &name) || !imap_end(&r->args))
		return imap_bad_args(r);
	/* 4.1.2: the mailbox need not be there. That of another: section 6, it takes the right to read. */
	if (!imap_place_name(r, name, &place) || (!place.own && !imap_place_find(r, name, ACL_READ, true, &place)))
		return IMAP_REPLIED;
	struct buf *out = conn_out(r->conn);
	buf_add_lit(out, "* QUOTAROOT ");
	imap_format_mailbox(out, place.told, imap_utf8(r->s));
	/* 4.1.2 of RFC 9208: the list of roots may be empty. */
	struct mailbox mailbox;
	if (place.own && mailbox_find(place.account, r->arena, place.mailbox.name, &mailbox) == 0 && mailbox.bin) {
		buf_add_lit(out, "\r\n");
		return imap_ok(r, "%s completed", r->row->name);
	}
	buf_add_char(out, ' ');
	imap_format_astring(out, place.owner, imap_utf8(r->s));
	buf_add_lit(out, "\r\n");
	return write_root(r, place.owner, place.account);
}

/* 0 is a limit too (3.1.2: any usage is prohibited); what is not named has none (4.1.3). */
static uint64_t limit_of(const struct imap_set_quota *set, enum imap_quota_resource resource, unsigned unit)
{
	if (!set->has[resource])
		return 0;
	return set->limit[resource] ? set->limit[resource] * unit : QUOTA_ZERO;
}

static void tell(struct imap_request *r, struct str owner, const struct imap_set_quota *set, int rc)
{
	static const char *const names[] = { [IMAP_QUOTA_STORAGE] = "storage", [IMAP_QUOTA_MESSAGE] = "messages", [IMAP_QUOTA_MAILBOX] = "mailboxes" };
	struct buf detail = BUF_INIT(0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (set->has[i])
			buf_printf(&detail, "%s%s=%llu%s", detail.n ? " " : "", names[i], (unsigned long long)set->limit[i], i == IMAP_QUOTA_STORAGE ? "K" : "");
	audit_act(conn_user(r->conn), "imap", "quota.set", owner, detail.n ? buf_str(&detail) : STR("none"), rc);
	buf_fini(&detail);
}

enum imap_result imap_cmd_setquota(struct imap_request *r)
{
	struct imap_set_quota set;
	struct account *account;
	struct str name;
	if (!imap_set_quota_args(&r->args, &set))
		return imap_bad_args(r);
	if (!imap_is_admin(r->s)) {
		tell(r, set.root, &set, ERR_DENIED);
		return imap_no(r, "[NOPERM] Only administrators set quotas");
	}
	if (set.unknown.n)
		return imap_no(r, "[CANNOT] There is no resource %.*s here", STR_ARG(set.unknown));
	if (set.limit[IMAP_QUOTA_STORAGE] > (uint64_t)INT64_MAX / KIB)
		return imap_no(r, "[LIMIT] The limit is too big");
	if (!open_root(r, set.root, &account, &name))
		return IMAP_REPLIED;
	const struct quota limits = {
		.bytes_max = limit_of(&set, IMAP_QUOTA_STORAGE, KIB),
		.messages_max = limit_of(&set, IMAP_QUOTA_MESSAGE, 1),
		.mailboxes_max = limit_of(&set, IMAP_QUOTA_MAILBOX, 1),
	};
	int rc = account_set_quota(account, &limits);
	tell(r, name, &set, rc);
	enum imap_result result = rc ? imap_error(r, rc, NULL) : write_root(r, name, account);
	account_close(&account);
	return result;
}
