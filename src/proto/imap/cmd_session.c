/* CAPABILITY, NOOP, CHECK, LOGOUT, ID, STARTTLS, NAMESPACE: commands that say something about the session. */
#include "codec/imap/format.h"
#include "codec/imap/id.h"
#include "proto/imap/capability.h"
#include "proto/imap/commands.h"
#include "proto/imap/place.h"

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

enum imap_result imap_cmd_namespace(struct imap_request *r)
{
	conn_write_lit(r->conn, "* NAMESPACE ((\"\" \"/\")) ((\"" IMAP_OTHER_USERS "/\" \"/\")) ((\"" IMAP_SHARED_FOLDERS "/\" \"/\"))\r\n");
	return imap_ok(r, "NAMESPACE completed");
}
