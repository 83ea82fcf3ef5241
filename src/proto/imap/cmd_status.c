#include "codec/imap/format.h"
#include "codec/imap/status_att.h"
#include "proto/imap/commands.h"
#include "proto/imap/place.h"

static void write_item(struct buf *out, const char **space, const char *name, uint64_t value)
{
	buf_printf(out, "%s%s %llu", *space, name, (unsigned long long)value);
	*space = " ";
}

static void write_status(struct imap_session *s, const struct mailbox *m, uint32_t items)
{
	const struct {
		uint32_t item;
		const char *name;
		uint64_t value;
	} all[] = {
		{ IMAP_STATUS_MESSAGES, "MESSAGES", m->messages },
		{ IMAP_STATUS_RECENT, "RECENT", m->recent },
		{ IMAP_STATUS_UIDNEXT, "UIDNEXT", m->uidnext },
		{ IMAP_STATUS_UIDVALIDITY, "UIDVALIDITY", m->uidvalidity },
		{ IMAP_STATUS_UNSEEN, "UNSEEN", m->unseen },
		{ IMAP_STATUS_DELETED, "DELETED", m->deleted },
		{ IMAP_STATUS_SIZE, "SIZE", m->bytes },
		{ IMAP_STATUS_HIGHESTMODSEQ, "HIGHESTMODSEQ", m->modseq },
	};
	struct buf *out = conn_out(s->conn);
	const char *space = "";
	buf_add_lit(out, "* STATUS ");
	imap_format_mailbox(out, m->name, imap_utf8(s));
	buf_add_lit(out, " (");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (items & all[i].item)
			write_item(out, &space, all[i].name, all[i].value);
	buf_add_lit(out, ")\r\n");
}

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
	write_status(r->s, &place.mailbox, items);
	return imap_ok(r, "STATUS completed");
}
