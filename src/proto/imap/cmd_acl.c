/* SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS: RFC 4314 section 3. */
#include "audit/audit.h"
#include "codec/imap/format.h"
#include "codec/imap/rights.h"
#include "directory/identity.h"
#include "proto/imap/commands.h"
#include "proto/imap/place.h"
#include "proto/imap/rights_response.h"

_Static_assert((unsigned)IMAP_RIGHTS_ALL == ACL_ALL, "the letters are in the order of enum acl_right");

/* An identifier of the client's. */
struct identifier {
	struct str given;                /* as it was written */
	struct str name;                 /* canonical, without the dash */
	bool negative;
	bool known;                      /* there is such a user or group */
};

/* False: the reply is set. RFC 4314 section 3: BAD for what cannot be prepared. */
static bool prepare(struct imap_request *r, struct str given, struct identifier *out)
{
	*out = (struct identifier){ .given = given, .negative = given.n && given.p[0] == '-' };
	int rc = directory_identifier(services_directory(r->s->services), r->arena, str_from(given, out->negative), &out->name);
	out->known = rc == 0;
	if (rc == ERR_INVALID)
		imap_bad(r, "The identifier is empty or cannot be prepared");
	else if (rc && rc != ERR_NOT_FOUND)
		imap_error(r, rc, NULL);
	return !rc || rc == ERR_NOT_FOUND;
}

static bool is_owner(struct imap_request *r, const struct imap_place *place, const struct identifier *who)
{
	struct directory_user user;
	if (!str_eq(who->name, place->owner))
		return false;
	/* Of a shared account nobody is the owner. */
	return directory_user_find(services_directory(r->s->services), r->arena, place->owner, &user) != 0 || !user.shared;
}

/* RFC 4314 section 2: a server may force rights never to be granted to particular identifiers. */
static bool may_be_let_in(const struct imap_request *r, const struct identifier *who)
{
	return r->s->config->imap_acl_anyone || who->negative || !str_eq(who->name, IDENTITY_ANYONE);
}

/* ---- changing ---- */

/* The index first: an entry in vain does no harm, a list without one would not be found (identity.h). */
static int set(struct imap_request *r, const struct imap_place *place, const struct identifier *who, enum acl_op op, uint32_t rights, struct err *e)
{
	int rc = 0;
	if (!who->negative && op != ACL_REMOVE && rights)
		rc = directory_share_note(services_directory(r->s->services), who->name, account_id(place->account), place->owner);
	return rc ? rc : mailbox_acl_set(place->account, place->mailbox.id, who->name, who->negative, op, rights, e);
}

/* "bob lrs", "-bob +x" */
static void tell(struct imap_request *r, const struct imap_place *place, const struct identifier *who, enum acl_op op, uint32_t rights, int rc)
{
	static const char *const signs[] = { [ACL_REPLACE] = "", [ACL_ADD] = "+", [ACL_REMOVE] = "-" };
	struct buf letters = BUF_INIT(0);
	imap_format_rights(&letters, rights);
	struct str object = arena_printf(r->arena, "%.*s: %.*s", STR_ARG(place->owner), STR_ARG(place->mailbox.name));
	struct str detail = arena_printf(r->arena, "%s%.*s %s%.*s", who->negative ? "-" : "", STR_ARG(who->name), signs[op], STR_ARG(buf_str(&letters)));
	audit_act(conn_user(r->conn), "imap", op == ACL_REPLACE && !rights ? "acl.del" : "acl.set", object, detail, rc);
	buf_fini(&letters);
}

static enum imap_result change(struct imap_request *r, struct str name, struct str given, enum acl_op op, uint32_t rights)
{
	struct imap_place place;
	struct identifier who;
	struct err e = { 0 };
	if (!prepare(r, given, &who) || !imap_place_find(r, name, ACL_ADMIN, false, &place))
		return IMAP_REPLIED;
	if (is_owner(r, &place, &who))
		return imap_no(r, "[CANNOT] The owner has all rights, always");
	if (!who.known && op != ACL_REMOVE && rights)
		return imap_no(r, "[CANNOT] There is no such user or group");
	if (!may_be_let_in(r, &who) && op != ACL_REMOVE && rights)
		return imap_no(r, "[NOPERM] Rights for everybody are not allowed here");
	int rc = set(r, &place, &who, op, rights, &e);
	tell(r, &place, &who, op, rights, rc);
	return rc ? imap_error(r, rc, &e) : imap_ok(r, "%s completed", r->row->name);
}

enum imap_result imap_cmd_setacl(struct imap_request *r)
{
	static const enum acl_op ops[] = {
		[IMAP_RIGHTS_REPLACE] = ACL_REPLACE, [IMAP_RIGHTS_ADD] = ACL_ADD, [IMAP_RIGHTS_REMOVE] = ACL_REMOVE,
	};
	struct str name, given;
	enum imap_rights_op op;
	uint32_t rights;
	if (!imap_mailbox(&r->args, &name) || !imap_sp(&r->args) || !imap_astring(&r->args, &given) || !imap_sp(&r->args)
		|| !imap_mod_rights(&r->args, &op, &rights) || !imap_end(&r->args))
		return imap_bad_args(r);
	return change(r, name, given, ops[op], rights);
}

enum imap_result imap_cmd_deleteacl(struct imap_request *r)
{
	struct str name, given;
	if (!imap_mailbox(&r->args, &name) || !imap_sp(&r->args) || !imap_astring(&r->args, &given) || !imap_end(&r->args))
		return imap_bad_args(r);
	return change(r, name, given, ACL_REPLACE, 0);
}

/* ---- looking ---- */

/* "* ACL INBOX", " bob lrs" */
static void write_head(struct imap_request *r, const char *response, const struct imap_place *place)
{
	struct buf *out = conn_out(r->conn);
	buf_printf(out, "* %s ", response);
	imap_format_mailbox(out, place->told, imap_utf8(r->s));
}

static void write_identifier(struct imap_request *r, struct str identifier, bool negative)
{
	struct buf *out = conn_out(r->conn);
	struct str text = negative ? arena_printf(r->arena, "-%.*s", STR_ARG(identifier)) : identifier;
	buf_add_char(out, ' ');
	imap_format_astring(out, text, imap_utf8(r->s));
}

static void write_entry(struct imap_request *r, const struct acl_entry *e)
{
	write_identifier(r, e->identifier, e->negative);
	buf_add_char(conn_out(r->conn), ' ');
	imap_format_rights(conn_out(r->conn), e->rights);
}

enum imap_result imap_cmd_getacl(struct imap_request *r)
{
	struct str name;
	struct imap_place place;
	struct acl acl;
	if (!imap_mailbox(&r->args, &name) || !imap_end(&r->args))
		return imap_bad_args(r);
	if (!imap_place_find(r, name, ACL_ADMIN, false, &place))
		return IMAP_REPLIED;
	int rc = mailbox_acl(place.account, r->arena, place.mailbox.id, &acl);
	if (rc)
		return imap_error(r, rc, NULL);
	struct acl_entry owner = { .identifier = place.owner, .rights = ACL_ALL };
	bool owned = is_owner(r, &place, &(struct identifier){ .name = place.owner });
	write_head(r, "ACL", &place);
	if (owned)
		write_entry(r, &owner);
	for (size_t i = 0; i < acl.n; i++)
		if (!owned || !str_eq(acl.v[i].identifier, place.owner))
			write_entry(r, &acl.v[i]);
	conn_write_lit(r->conn, "\r\n");
	return imap_ok(r, "GETACL completed");
}

/* RFC 4314 3.7: what is always granted, then what can be; nothing is tied together. The identifier as the client wrote it (3.4). */
enum imap_result imap_cmd_listrights(struct imap_request *r)
{
	struct str name, given;
	struct imap_place place;
	struct identifier who;
	if (!imap_mailbox(&r->args, &name) || !imap_sp(&r->args) || !imap_astring(&r->args, &given) || !imap_end(&r->args))
		return imap_bad_args(r);
	if (!prepare(r, given, &who) || !imap_place_find(r, name, ACL_ADMIN, false, &place))
		return IMAP_REPLIED;
	write_head(r, "LISTRIGHTS", &place);
	write_identifier(r, who.given, false);
	if (is_owner(r, &place, &who)) {
		buf_add_char(conn_out(r->conn), ' ');
		imap_format_rights(conn_out(r->conn), ACL_ALL);
	} else if (!may_be_let_in(r, &who)) {
		conn_write_lit(r->conn, " \"\"");
	} else {
		conn_write_lit(r->conn, " \"\" l r s w i p k x t e c d a");
	}
	conn_write_lit(r->conn, "\r\n");
	return imap_ok(r, "LISTRIGHTS completed");
}

/* RFC 4314 section 4: any of these rights will do, and without all of them the mailbox is not there. */
enum imap_result imap_cmd_myrights(struct imap_request *r)
{
	struct str name;
	struct imap_place place;
	if (!imap_mailbox(&r->args, &name) || !imap_end(&r->args))
		return imap_bad_args(r);
	if (!imap_place_find_any(r, name, ACL_LOOKUP | ACL_READ | ACL_INSERT | ACL_CREATE | ACL_DELETE_MAILBOX | ACL_ADMIN, &place))
		return IMAP_REPLIED;
	imap_write_myrights(r, place.told, place.rights);
	return imap_ok(r, "MYRIGHTS completed");
}
