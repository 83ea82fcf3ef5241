#include "proto/imap/list_response.h"

#include "codec/imap/format.h"
#include "codec/imap/list_args.h"
#include "codec/mime/nfc.h"
#include "model/acl.h"
#include "proto/imap/use.h"

bool imap_list_selectable(const struct imap_listed *listed)
{
	return listed->mailbox && !listed->mailbox->no_select && listed->rights & ACL_READ;
}

static void add_attribute(struct buf *out, const char **space, const char *name)
{
	buf_add_c(out, *space);
	buf_add_c(out, name);
	*space = " ";
}

void imap_list_begin(struct imap_session *s, const struct imap_listed *listed, unsigned told)
{
	struct buf *out = conn_out(s->conn);
	const char *space = "";
	buf_add_lit(out, "* LIST (");
	if (!listed->mailbox)
		add_attribute(out, &space, told & IMAP_TELL_NONEXISTENT ? "\\NonExistent" : "\\Noselect");
	else if (listed->mailbox->no_select || (told & IMAP_TELL_STATUS && !(listed->rights & ACL_READ)))
		add_attribute(out, &space, "\\Noselect");
	if (told & IMAP_TELL_SUBSCRIBED && listed->subscribed)
		add_attribute(out, &space, "\\Subscribed");
	/* RFC 3348 3, RFC 5258 4 */
	if (listed->has_children)
		add_attribute(out, &space, "\\HasChildren");
	else if (listed->mailbox || told & IMAP_TELL_CHILDREN)
		add_attribute(out, &space, "\\HasNoChildren");
	if (listed->mailbox && listed->mailbox->use) {
		/* It puts a space before each; there always is an attribute in front of it. */
		imap_use_format(out, listed->mailbox->use);
	}
	buf_add_lit(out, ") \"/\" ");
	imap_format_mailbox(out, listed->name, imap_utf8(s));
}

void imap_list_childinfo(struct imap_session *s, unsigned select)
{
	struct buf *out = conn_out(s->conn);
	const char *space = "";
	buf_add_lit(out, " (\"CHILDINFO\" (");
	if (select & IMAP_LIST_SUBSCRIBED)
		add_attribute(out, &space, "\"SUBSCRIBED\"");
	if (select & IMAP_LIST_SPECIAL_USE)
		add_attribute(out, &space, "\"SPECIAL-USE\"");
	buf_add_lit(out, "))");
}

void imap_list_oldname(struct imap_session *s, struct str old)
{
	struct buf *out = conn_out(s->conn);
	buf_add_lit(out, " (\"OLDNAME\" (");
	imap_format_mailbox(out, old, imap_utf8(s));
	buf_add_lit(out, "))");
}

void imap_list_no_access(struct imap_session *s, const struct imap_listed *listed)
{
	buf_add_lit(conn_out(s->conn), "* LIST (\\NoAccess) \"/\" ");
	imap_format_mailbox(conn_out(s->conn), listed->name, imap_utf8(s));
	imap_list_end(s);
}

void imap_list_end(struct imap_session *s) { buf_add_lit(conn_out(s->conn), "\r\n"); }

int imap_list_tell(struct imap_request *r, struct str name, struct str supplied)
{
	struct imap_listed *v;
	size_t n;
	int rc = imap_list_names(r, false, &v, &n);
	for (size_t i = 0; !rc && i < n; i++) {
		if (!str_eq(v[i].name, name))
			continue;
		imap_list_begin(r->s, &v[i], IMAP_TELL_NONEXISTENT);
		if (!str_eq(supplied, name))
			imap_list_oldname(r->s, supplied);
		imap_list_end(r->s);
	}
	return rc;
}

void imap_list_tell_normalized(struct imap_request *r, struct str name, struct str supplied)
{
	struct str canonical;
	if (!imap_rev2(r->s) || (nfc_is(name) && nfc_is(supplied)))
		return;
	if (mailbox_name_check(r->arena, name, &canonical, NULL) == 0)
		imap_list_tell(r, canonical, supplied);
}
