#include "proto/common/conn_fake.h"

bool conn_has_tls(const struct conn *c) { return c->tls; }
struct str conn_peer_ip(const struct conn *c) { return str_from_c(c->ip); }

int conn_tls_exporter(struct conn *c, struct buf *out)
{
	if (!c->exporter)
		return ERR_UNSUPPORTED;
	buf_add_lit(out, CONN_FAKE_BINDING);
	return 0;
}

int conn_tls_end_point(struct conn *c, struct buf *out)
{
	if (!c->end_point)
		return ERR_UNSUPPORTED;
	buf_add_lit(out, CONN_FAKE_END_POINT);
	return 0;
}

int conn_tls_client_address(struct conn *c, unsigned i, struct buf *out)
{
	if (i >= 2 || !c->certificate[i])
		return ERR_NOT_FOUND;
	buf_add_c(out, c->certificate[i]);
	return 0;
}

void conn_log(struct conn *c, enum log_level level, const char *event, const struct log_field *fields)
{
	(void)c, (void)level, (void)event, (void)fields;
}
