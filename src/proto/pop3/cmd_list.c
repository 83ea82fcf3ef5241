/* Listings: STAT, LIST, UIDL (RFC 1939 sections 5 and 7). */
#include "proto/pop3/session.h"

#include "base/num.h"

bool pop3_arg_message(struct pop3_call *c, struct str arg, uint32_t *index_out)
{
	uint32_t number;
	if (!num_parse_u32(arg, &number)) {
		pop3_err(c, NULL, TEXT_BAD_ARGUMENTS);
		return false;
	}
	if (number == 0 || number > c->s->drop.count) {
		pop3_err(c, NULL, TEXT_NO_SUCH_MESSAGE);
		return false;
	}
	if (maildrop_is_marked(&c->s->drop, number - 1)) {
		pop3_err(c, NULL, TEXT_ALREADY_MARKED);
		return false;
	}
	*index_out = number - 1;
	return true;
}

/* One line of a listing, without what stands before it. */
typedef void line_fn(const struct maildrop *d, const struct message *m, uint32_t index, struct buf *out);

static void add_size(const struct maildrop *d, const struct message *m, uint32_t index, struct buf *out)
{
	buf_add_u64(out, maildrop_size(d, m, index));
}

static void add_unique_id(const struct maildrop *d, const struct message *m, uint32_t index, struct buf *out)
{
	(void)index;
	maildrop_unique_id(d, m, out);
}

static void add_line(const struct maildrop *d, const struct message *m, uint32_t index, line_fn *fn, struct buf *out)
{
	buf_add_u64(out, (uint64_t)index + 1);
	buf_add_char(out, ' ');
	fn(d, m, index, out);
	buf_add_lit(out, "\r\n");
}

static void list_all(struct pop3_call *c, line_fn *fn)
{
	const struct maildrop *d = &c->s->drop;
	struct buf *out = conn_out(c->conn);
	struct view_iter it = view_iter_at(d->view, 0);
	const struct message *m;
	for (uint32_t i = 0; (m = view_iter_next(&it)) != NULL; i++) {
		if (maildrop_is_marked(d, i))
			continue;
		add_line(d, m, i, fn, out);
		if (i % POP3_LISTING_CHECK == 0 && conn_out_check(c->conn) != 0)
			return;
	}
	buf_add_lit(out, ".\r\n");
}

static void list_one(struct pop3_call *c, line_fn *fn)
{
	uint32_t index;
	if (!pop3_arg_message(c, c->args.v[0], &index))
		return;
	conn_write_lit(c->conn, "+OK ");
	struct message m = view_at(c->s->drop.view, index);
	add_line(&c->s->drop, &m, index, fn, conn_out(c->conn));
}

/* False when an answer was given instead. */
static bool measure(struct pop3_call *c)
{
	int code = maildrop_measure(&c->s->drop);
	if (code != 0)
		pop3_fail(c, code);
	return code == 0;
}

void pop3_cmd_stat(struct pop3_call *c)
{
	const struct maildrop *d = &c->s->drop;
	if (measure(c))
		buf_printf(conn_out(c->conn), "+OK %u %llu\r\n", d->count - d->marked,
				   (unsigned long long)maildrop_unmarked_bytes(d));
}

void pop3_cmd_list(struct pop3_call *c)
{
	const struct maildrop *d = &c->s->drop;
	if (!measure(c))
		return;
	if (c->args.n) {
		list_one(c, add_size);
		return;
	}
	pop3_ok_number(c, d->count - d->marked, TEXT_MESSAGES);
	list_all(c, add_size);
}

void pop3_cmd_uidl(struct pop3_call *c)
{
	if (c->args.n) {
		list_one(c, add_unique_id);
		return;
	}
	pop3_ok(c, TEXT_LISTING);
	list_all(c, add_unique_id);
}
