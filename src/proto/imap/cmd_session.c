/* CAPABILITY, NOOP, CHECK, LOGOUT, ID, STARTTLS, NAMESPACE: commands that say something about the session. */
#include "base/clock.h"
#include "codec/imap/format.h"
#include "codec/imap/id.h"
#include "proto/imap/capability.h"
#include "proto/imap/commands.h"

enum imap_result imap_cmd_capability(struct imap_request *r)
{
	conn_write_lit(r->conn, "* CAPABILITY ");
	imap_capability_write(r->s, conn_out(r->conn));
	conn_write_lit(r->conn, "\r\n");
	return imap_ok(r, "CAPABILITY completed");
}

/* What NOOP is for, the news, every command tells at its end. */
enum imap_result imap_cmd_noop(struct imap_request *r)
{
	return imap_ok(r, "%s completed", r->row->name);
}

enum imap_result imap_cmd_logout(struct imap_request *r)
{
	imap_bye(r->s, "Logging out");
	return imap_ok(r, "LOGOUT completed");
}

enum imap_result imap_cmd_id(struct imap_request *r)
{
	struct imap_id_pair *pairs;
	size_t n;
	if (!imap_id_args(&r->args, &pairs, &n) || !imap_end(&r->args))
		return imap_bad_args(r);
	struct str name = STR_NONE, version = STR_NONE;
	for (size_t i = 0; i < n; i++) {
		if (str_ieq(pairs[i].name, STR("name")))
			name = pairs[i].value;
		else if (str_ieq(pairs[i].name, STR("version")))
			version = pairs[i].value;
	}
	if (n)
		conn_log(r->conn, LOG_INFO, "imap.client", LOG_LIST(LOG_S("name", name), LOG_S("version", version)));
	conn_write_lit(r->conn, "* ID (\"name\" \"Troika\" \"version\" \"" TROIKA_VERSION "\")\r\n");
	return imap_ok(r, "ID completed");
}

enum imap_result imap_cmd_starttls(struct imap_request *r)
{
	if (conn_has_tls(r->conn))
		return imap_bad(r, "TLS is active already");
	if (!conn_can_tls(r->conn))
		return imap_no(r, "[CONTACTADMIN] This server has no certificate");
	imap_ok(r, "Begin TLS now");
	imap_send(r);
	int rc = conn_start_tls(r->conn);
	if (rc)
		imap_bye(r->s, "[UNAVAILABLE] TLS could not be started");
	r->s->tls_starting = !rc;
	return IMAP_SENT;
}

enum imap_result imap_cmd_compress(struct imap_request *r)
{
	struct str name;
	if (!imap_atom(&r->args, &name) || !imap_end(&r->args))
		return imap_bad_args(r);
	if (!str_ieq(name, STR("DEFLATE")))
		return imap_bad(r, "Unknown compression mechanism");
	/* RFC 4978 3: BAD when it is this layer, NO when it would be another. */
	if (conn_is_compressed(r->conn))
		return imap_bad(r, "[COMPRESSIONACTIVE] DEFLATE is active already");
	int rc = conn_start_compress(r->conn);
	return rc ? imap_error(r, rc, NULL) : imap_ok(r, "DEFLATE active");
}

/* RFC 8437 3: never NO. */
enum imap_result imap_cmd_unauthenticate(struct imap_request *r)
{
	struct imap_session *s = r->s;
	if (!s->config->imap_unauthenticate)
		return imap_bad(r, "UNAUTHENTICATE is not enabled");
	conn_log(r->conn, LOG_INFO, "imap.unauthenticate", LOG_NOTHING);
	imap_session_forget(s);
	conn_unset_user(r->conn);
	conn_end_compress(r->conn);
	s->opened_ms = clock_mono_ms();
	conn_set_timeout(r->conn, s->config->login_timeout_ms);
	return imap_ok(r, "Log in again");
}
