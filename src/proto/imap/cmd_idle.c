/* IDLE: RFC 2177. The session is parked like any other; a change in the account wakes it (session.c, CONN_WAKE). */
#include "proto/imap/commands.h"
#include "proto/imap/notify.h"
#include "proto/imap/sync.h"

static void wake(void *conn)
{
	conn_wake(conn);
}

enum imap_result imap_cmd_idle(struct imap_request *r)
{
	struct imap_session *s = r->s;
	if (s->state == IMAP_SELECTED) {
		/* The watch first: what changes after this look wakes us. */
		int rc = account_watch(s->selected.account, wake, s->conn, &s->watch);
		if (rc)
			return imap_error(r, rc, NULL);
		if (imap_notify_wanted(s))
			imap_sync(s, true);
	}
	conn_write_lit(s->conn, "+ idling\r\n");
	return IMAP_CONTINUES;
}

enum imap_result imap_line_idle(struct imap_request *r, struct str line)
{
	if (r->s->watch)
		account_unwatch(r->s->selected.account, &r->s->watch);
	return str_ieq(line, STR("DONE")) ? imap_ok(r, "IDLE completed") : imap_bad(r, "Expected DONE");
}
