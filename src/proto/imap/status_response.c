#include "proto/imap/status_response.h"

#include "codec/imap/format.h"
#include "codec/imap/status_att.h"
#include "proto/imap/object_id.h"

/* RFC 9208 4.1.4: what EXPUNGE would free. It is the sum of the sizes: other messages may hold the same octets, but the quota counts those of
 * each (model.h). */
static int deleted_bytes(struct account *account, const struct mailbox *m, uint64_t *out)
{
	*out = 0;
	if (m->deleted == 0)
		return 0;
	struct view *v;
	int rc = view_open(account, m->id, &v);
	if (rc)
		return rc;
	struct view_iter it = view_iter_at(v, 0);
	const struct message *message;
	while ((message = view_iter_next(&it)))
		if (message->flags & MESSAGE_DELETED)
			*out += message->size;
	view_unref(&v);
	return 0;
}

int imap_status_write(struct imap_session *s, struct str name, struct account *account, const struct mailbox *m, uint32_t items)
{
	uint64_t freed = 0;
	if (items & IMAP_STATUS_DELETED_STORAGE) {
		int rc = deleted_bytes(account, m, &freed);
		if (rc)
			return rc;
	}
	const struct {
		uint32_t item;
		const char *name;
		uint64_t value;
	} numbers[] = {
		{ IMAP_STATUS_MESSAGES, "MESSAGES", m->messages },
		{ IMAP_STATUS_RECENT, "RECENT", m->recent },
		{ IMAP_STATUS_UIDNEXT, "UIDNEXT", m->uidnext },
		{ IMAP_STATUS_UIDVALIDITY, "UIDVALIDITY", m->uidvalidity },
		{ IMAP_STATUS_UNSEEN, "UNSEEN", m->unseen },
		{ IMAP_STATUS_DELETED, "DELETED", m->deleted },
		{ IMAP_STATUS_DELETED_STORAGE, "DELETED-STORAGE", freed },
		{ IMAP_STATUS_SIZE, "SIZE", m->bytes },
		{ IMAP_STATUS_HIGHESTMODSEQ, "HIGHESTMODSEQ", m->modseq },
		{ IMAP_STATUS_APPENDLIMIT, "APPENDLIMIT", s->config->message_size_max },
	};
	struct buf *out = conn_out(s->conn);
	const char *space = "";
	buf_add_lit(out, "* STATUS ");
	imap_format_mailbox(out, name, imap_utf8(s));
	buf_add_lit(out, " (");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!(items & numbers[i].item))
			continue;
		buf_printf(out, "%s%s %llu", space, numbers[i].name, (unsigned long long)numbers[i].value);
		space = " ";
	}
	if (items & IMAP_STATUS_MAILBOXID) {
		buf_add_c(out, space);
		imap_object_id_write(out, "MAILBOXID", IMAP_OBJECT_MAILBOX, account_id(account), m->id);
	}
	buf_add_lit(out, ")\r\n");
	return 0;
}
