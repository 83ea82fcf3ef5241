/* UIDBATCHES: RFC 10022. UIDs in ranges of equally many messages, so that a client can go through a mailbox piece by piece without message
 * numbers. The first batch is that of the newest messages. */
#include "proto/imap/message_commands.h"

#include "proto/imap/limits.h"
#include "proto/imap/sync.h"

struct batches {
	uint32_t size;
	uint32_t first, last;                /* which ones are asked for, from 1 on */
};

/* nz-number [SP nz-number ":" nz-number] */
static bool read_args(struct imap_cursor *c, struct batches *out)
{
	*out = (struct batches){ .first = 1, .last = UINT32_MAX };
	if (!imap_nz_number(c, &out->size))
		return false;
	if (imap_take(c, ' ') && (!imap_nz_number(c, &out->first) || !imap_expect(c, ':', "Expected a range of batches") || !imap_nz_number(c, &out->last)))
		return false;
	return imap_end(c);
}

/* The ranges follow each other without a gap, down to UID 1 when the last batch is among them. */
static void write_batches(struct imap_request *r, const struct batches *b)
{
	const struct view *v = r->s->selected.view;
	uint64_t count = view_count(v);
	conn_printf(r->conn, "* UIDBATCHES (TAG \"%.*s\")", STR_ARG(r->tag));
	char separator = ' ';
	for (uint64_t k = b->first; k <= b->last && (k - 1) * b->size < count; k++) {
		uint64_t newer = (k - 1) * b->size, through = k * b->size;
		/* Indexes count from the oldest: the batch ends before the oldest one of the batch before it. */
		uint32_t hi = newer ? view_at(v, (uint32_t)(count - newer)).uid - 1 : view_at(v, (uint32_t)count - 1).uid;
		uint32_t lo = through < count ? view_at(v, (uint32_t)(count - through)).uid : 1;
		conn_printf(r->conn, "%c%u:%u", separator, hi, lo);
		separator = ',';
		if (conn_out_check(r->conn))
			return;
	}
	conn_write_lit(r->conn, "\r\n");
}

enum imap_result imap_cmd_uidbatches(struct imap_request *r)
{
	struct batches b;
	if (!read_args(&r->args, &b))
		return imap_bad_args(r);
	if (b.first > b.last)
		return imap_bad(r, "[CLIENTBUG] The first batch is behind the last one");
	if (b.size < IMAP_BATCH_MESSAGES_MIN)
		return imap_no(r, "[TOOFEW] Ask for batches of at least %u messages", IMAP_BATCH_MESSAGES_MIN);
	int err = imap_sync(r->s, true);
	if (err)
		return imap_error(r, err, NULL);
	if (!r->s->selected.view)
		return imap_no(r, "[NONEXISTENT] The mailbox was deleted");
	write_batches(r, &b);
	return imap_ok(r, "UIDBATCHES completed");
}
