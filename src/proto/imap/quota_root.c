#include "proto/imap/quota_root.h"

#include "codec/imap/format.h"
#include "codec/imap/quota_args.h"

#define KIB 1024u

bool imap_is_admin(const struct imap_session *s)
{
	struct str rest = s->config->imap_admins, word;
	while (rest.n) {
		str_cut(rest, ' ', &word, &rest);
		if (word.n && str_ieq(word, conn_user(s->conn)))
			return true;
	}
	return false;
}

static uint64_t limit_of(uint64_t max) { return max == QUOTA_ZERO ? 0 : max; }

int imap_quota_write(struct imap_session *s, struct str root, struct account *account)
{
	struct quota q;
	int rc = account_quota(account, &q);
	if (rc)
		return rc;
	/* RFC 9208 3.2: limits that the system has anyway are told too. */
	if (!q.mailboxes_max || (q.mailboxes_max != QUOTA_ZERO && q.mailboxes_max > MAILBOXES_MAX))
		q.mailboxes_max = MAILBOXES_MAX;
	const struct {
		uint64_t used, max;
		unsigned unit;
	} v[IMAP_QUOTA_RESOURCES] = {
		[IMAP_QUOTA_STORAGE] = { q.bytes, q.bytes_max, KIB },
		[IMAP_QUOTA_MESSAGE] = { q.messages, q.messages_max, 1 },
		[IMAP_QUOTA_MAILBOX] = { q.mailboxes, q.mailboxes_max, 1 },
	};
	struct buf *out = conn_out(s->conn);
	const char *space = "";
	buf_add_lit(out, "* QUOTA ");
	imap_format_astring(out, root, imap_utf8(s));
	buf_add_lit(out, " (");
	for (unsigned i = 0; i < IMAP_QUOTA_RESOURCES; i++) {
		/* 4.2.1: what is not limited is not named. */
		if (!v[i].max)
			continue;
		uint64_t used = v[i].used / v[i].unit + (v[i].used % v[i].unit != 0);
		buf_printf(out, "%s%s %llu %llu", space, imap_quota_resource_name(i), (unsigned long long)used,
				   (unsigned long long)(limit_of(v[i].max) / v[i].unit));
		space = " ";
	}
	buf_add_lit(out, ")\r\n");
	return 0;
}

void imap_quota_warn(struct imap_session *s)
{
	struct quota q;
	if (!s->selected.account || account_quota(s->selected.account, &q))
		return;
	bool exceeded = quota_is_exceeded(&q);
	if (exceeded && !s->selected.quota_warned)
		conn_write_lit(s->conn, "* NO [OVERQUOTA] The quota is exceeded\r\n");
	s->selected.quota_warned = exceeded;
}
