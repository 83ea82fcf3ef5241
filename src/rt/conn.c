#include "rt/conn.h"

#include "rt/conn_priv.h"
#include "rt/server_priv.h"

/* ---- TLS ---- */

bool conn_has_tls(const struct conn *c) { return c->tls_done; }
bool conn_can_tls(const struct conn *c) { return !c->tls_done && atomic_load(&c->server->has_tls); }

int conn_start_tls(struct conn *c)
{
	if (!conn_can_tls(c))
		return ERR_UNSUPPORTED;
	c->tls_asked = true;
	return 0;
}

int conn_tls_exporter(struct conn *c, struct buf *out) { return c->tls_done ? tls_conn_exporter(c->tls, out) : ERR_UNSUPPORTED; }
int conn_tls_end_point(struct conn *c, struct buf *out) { return c->tls_done ? tls_conn_end_point(c->tls, out) : ERR_UNSUPPORTED; }
int conn_tls_client_address(struct conn *c, unsigned i, struct buf *out)
{
	return c->tls_done ? tls_conn_client_address(c->tls, i, out) : ERR_NOT_FOUND;
}
struct str conn_tls_version(const struct conn *c) { return c->tls_done ? tls_conn_version(c->tls) : STR_NONE; }
struct str conn_tls_cipher(const struct conn *c) { return c->tls_done ? tls_conn_cipher(c->tls) : STR_NONE; }
struct str conn_tls_sni(const struct conn *c) { return c->tls_done ? tls_conn_server_name(c->tls) : STR_NONE; }

/* ---- compression ---- */

bool conn_is_compressed(const struct conn *c) { return c->compress || c->compress_next; }

int conn_start_compress(struct conn *c)
{
	if (conn_is_compressed(c))
		return ERR_EXISTS;
	int r = compress_create(&c->compress_next);
	if (r == 0)
		conn_in_forget(c);
	return r;
}

void conn_end_compress(struct conn *c)
{
	if (!c->compress)
		return;
	conn_in_forget(c);
	c->compress_ending = true;
}

/* ---- who is it ---- */

uint64_t conn_id(const struct conn *c) { return c->id; }
struct str conn_peer_ip(const struct conn *c) { return str_from_c(c->peer_text); }
struct str conn_local_ip(const struct conn *c) { return str_from_c(c->local_text); }
uint16_t conn_peer_port(const struct conn *c) { return c->peer.port; }
uint16_t conn_local_port(const struct conn *c) { return c->local.port; }
bool conn_peer_is_loopback(const struct conn *c) { return net_addr_is_loopback(&c->peer.addr); }
struct str conn_user(const struct conn *c) { return str_from_c(c->user); }
uint64_t conn_bytes_in(const struct conn *c) { return conn_count_read(&c->bytes_in); }
uint64_t conn_bytes_out(const struct conn *c) { return conn_count_read(&c->bytes_sent) + conn_out_left(c); }

METRIC_COUNTER(too_many, "troika_rt_users_refused_total", "", "Logins refused because the user has too many connections.");

int conn_set_user(struct conn *c, struct str user)
{
	if (c->user)
		return ERR_BUSY;
	char *copy = str_dup_c(user);
	if (!copy)
		return ERR_NO_MEMORY;
	int r = admission_enter_user(&c->server->admission, user);
	if (r < 0) {
		metric_add(&too_many, 1);
		conn_log(c, LOG_NOTICE, "rt.user_refused", LOG_LIST(LOG_S("name", user), LOG_C("why", "too many connections of this user")));
		free(copy);
		return r;
	}
	conn_view_change(c);
	c->user = copy;
	conn_view_changed(c);
	return 0;
}

void conn_unset_user(struct conn *c)
{
	char *user = c->user;
	if (!user)
		return;
	conn_view_change(c);
	c->user = NULL;
	conn_view_changed(c);
	admission_leave_user(&c->server->admission, str_from_c(user));
	free(user);
}

void conn_log(struct conn *c, enum log_level level, const char *event, const struct log_field *fields)
{
	struct log_field all[LOG_FIELDS_MAX];
	size_t n = 0;
	if (!log_wants(level))
		return;
	all[n++] = (struct log_field)LOG_U("conn", c->id);
	all[n++] = (struct log_field)LOG_C("proto", c->listener->proto.name);
	all[n++] = (struct log_field)LOG_C("peer", c->peer_text);
	if (c->tls_done)
		all[n++] = (struct log_field)LOG_S("tls", tls_conn_version(c->tls));
	if (c->user)
		all[n++] = (struct log_field)LOG_C("user", c->user);
	for (; fields->kind != LOG_KIND_END && n < LOG_FIELDS_MAX - 1; fields++)
		all[n++] = *fields;
	all[n] = (struct log_field)LOG_END;
	log_event(level, event, all);
}

/* ---- from other threads ---- */

void conn_ref(struct conn *c) { atomic_fetch_add(&c->refs, 1); }

void conn_unref(struct conn *c)
{
	struct server *s = c->server;
	if (atomic_fetch_sub(&c->refs, 1) == 1)
		conn_table_give(&s->table, c);
}

void conn_wake(struct conn *c) { server_post(c->server, conn_key(c), NEWS_WAKE); }
