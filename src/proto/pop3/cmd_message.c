/* Messages: RETR and TOP send them, DELE and RSET mark them (RFC 1939 sections 5 and 7). */
#include "proto/pop3/session.h"

#include "base/num.h"
#include "proto/pop3/limits.h"
#include "proto/pop3/stuff.h"

struct sending {
	struct pop3_call *call;
	const struct maildrop_message *message;
};

/* Long runs go out from where they lie. What the disk could not give any more has become zeros: then the end is never sent, and the client, which counts
 * on the terminating line, knows that it has not got the message. */
static bool send_run(void *arg, struct str run)
{
	const struct sending *s = arg;
	struct conn *conn = s->call->conn;
	if (!maildrop_intact(&s->call->s->drop, s->message)) {
		conn_log(conn, LOG_ERROR, "body.lost", LOG_LIST(LOG_C("why", "the disk could not give all of a message")));
		conn_abort(conn);
		return false;
	}
	if (run.n >= POP3_LARGE_RUN)
		return conn_write_large(conn, run.p, run.n) == 0;
	conn_write_str(conn, run);
	return conn_out_check(conn) == 0;
}

/* False when an answer was given instead. */
static bool map_message(struct pop3_call *c, uint32_t index, struct maildrop_message *out)
{
	int code = maildrop_map(&c->s->drop, index, out);
	if (code == ERR_NOT_FOUND) {
		pop3_err(c, NULL, TEXT_VANISHED);
		return false;
	}
	if (code != 0) {
		pop3_fail(c, code);
		return false;
	}
	/* RFC 6856 section 2.1: what needs UTF-8 must not be sent as it is to a client that has not said UTF8. */
	if (out->needs_utf8 && !c->s->utf8) {
		maildrop_unmap(&c->s->drop, out);
		pop3_err(c, "UTF8", TEXT_NEEDS_UTF8);
		return false;
	}
	return true;
}

void pop3_cmd_retr(struct pop3_call *c)
{
	struct maildrop_message m;
	uint32_t index;
	if (!pop3_arg_message(c, c->args.v[0], &index) || !map_message(c, index, &m))
		return;
	struct str bytes = m.blob.bytes;
	bool ended = bytes.n == 0 || str_ends(bytes, STR("\r\n"));
	pop3_ok_number(c, bytes.n + (ended ? 0 : 2), TEXT_OCTETS);
	pop3_stuff(bytes, send_run, &(struct sending){ c, &m });
	maildrop_unmap(&c->s->drop, &m);
	c->s->retrieved++;
}

void pop3_cmd_top(struct pop3_call *c)
{
	struct maildrop_message m;
	uint32_t index, lines;
	if (!num_parse_u32(c->args.v[1], &lines)) {
		pop3_err(c, NULL, TEXT_BAD_ARGUMENTS);
		return;
	}
	if (!pop3_arg_message(c, c->args.v[0], &index) || !map_message(c, index, &m))
		return;
	pop3_ok(c, TEXT_TOP_FOLLOWS);
	pop3_stuff(pop3_top(m.blob.bytes, lines), send_run, &(struct sending){ c, &m });
	maildrop_unmap(&c->s->drop, &m);
}

void pop3_cmd_dele(struct pop3_call *c)
{
	uint32_t index;
	if (!pop3_arg_message(c, c->args.v[0], &index))
		return;
	int code = maildrop_mark(&c->s->drop, index);
	if (code == 0)
		pop3_ok(c, TEXT_MARKED);
	else
		pop3_fail(c, code);
}

void pop3_cmd_rset(struct pop3_call *c)
{
	maildrop_unmark_all(&c->s->drop);
	pop3_ok(c, TEXT_UNMARKED);
}
