#include "proto/imap/fetch_head.h"

#include "proto/imap/limits.h"
#include "proto/imap/message_set.h"

void imap_fetch_head(struct buf *out, bool uidonly, uint32_t number, uint32_t uid, char *separator)
{
	buf_add_lit(out, "* ");
	buf_add_u64(out, uidonly ? uid : number);
	if (uidonly)
		buf_add_lit(out, " UIDFETCH ");
	else
		buf_add_lit(out, " FETCH ");
	*separator = '(';
}

void imap_write_vanished(struct imap_session *s, bool earlier, const struct rangeset *uids)
{
	for (size_t at = 0; at < uids->n; at += IMAP_VANISHED_RANGES_MAX) {
		size_t n = uids->n - at < IMAP_VANISHED_RANGES_MAX ? uids->n - at : IMAP_VANISHED_RANGES_MAX;
		struct rangeset some = { uids->v + at, n, n };
		conn_write_lit(s->conn, "* VANISHED ");
		if (earlier)
			conn_write_lit(s->conn, "(EARLIER) ");
		rangeset_format(&some, conn_out(s->conn));
		conn_write_lit(s->conn, "\r\n");
		if (conn_out_check(s->conn))
			return;
	}
}

/* RFC 3501 7.4.1: each EXPUNGE renumbers what follows, so n neighbours are n times the same number. */
static void write_expunged(struct imap_session *s, const struct rangeset *numbers)
{
	uint32_t gone = 0;
	for (size_t i = 0; i < numbers->n; i++) {
		uint32_t run = numbers->v[i].hi - numbers->v[i].lo + 1;
		for (uint32_t k = 0; k < run; k++) {
			conn_printf(s->conn, "* %u EXPUNGE\r\n", numbers->v[i].lo - gone);
			if (conn_out_check(s->conn))
				return;
		}
		gone += run;
	}
}

int imap_write_removed(struct imap_session *s, const struct view *v, const struct rangeset *uids)
{
	if (imap_qresync(s) || imap_uidonly(s)) {
		imap_write_vanished(s, false, uids);
		return 0;
	}
	struct rangeset numbers = RANGESET_INIT;
	int err = imap_uids_to_numbers(v, uids, &numbers);
	if (!err)
		write_expunged(s, &numbers);
	rangeset_fini(&numbers);
	return err;
}
