#include "proto/smtp/late.h"

#include <stdlib.h>

bool smtp_late_hold(struct smtp_call *c, size_t before)
{
	struct smtp_session *s = c->s;
	struct buf *out = conn_out(c->conn);
	uint64_t delay = s->delay_ms;

	s->delay_ms = 0;
	if (!delay || out->failed || out->n <= before)
		return false;
	s->held = str_dup_c(str_from(buf_str(out), before));
	if (!s->held)
		return false;
	s->held_n = out->n - before;
	out->n = before;
	conn_want_nothing(c->conn);
	conn_set_timeout(c->conn, delay);
	return true;
}

void smtp_late_release(struct smtp_call *c)
{
	struct smtp_session *s = c->s;

	if (!s->held)
		return;
	conn_write(c->conn, s->held, s->held_n);
	free(s->held);
	s->held = NULL;
	conn_set_timeout(c->conn, s->config->smtp_timeout_ms);
}
