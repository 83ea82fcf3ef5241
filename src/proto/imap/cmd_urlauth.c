/* GENURLAUTH and RESETKEY: RFC 4467. What their URLs are good for: proto/common/url_access.h. */
#include "proto/imap/commands.h"

#include "audit/audit.h"
#include "codec/imap/format.h"
#include "codec/imap/url_args.h"
#include "proto/common/url_access.h"
#include "proto/imap/place.h"
#include "rt/crypto.h"

static bool bad(struct imap_request *r, const char *why)
{
	imap_bad(r, "%s", why);
	return false;
}

/* RFC 4467 7, GENURLAUTH (1) to (3): BAD for whatever does not hold. Who shall use it is not looked up, so that nobody learns which users there are. */
static bool check(struct imap_request *r, const struct imap_genurlauth *asked, struct imap_url *u)
{
	const char *why;
	int rc = imap_url_parse(asked->url, r->arena, u, &why);
	if (rc == ERR_INVALID)
		return bad(r, why);
	if (!rc && u->absolute && u->user.n)
		rc = url_access_is_user(r->s->services, r->arena, u->user, conn_user(r->conn));
	else if (!rc)
		return bad(r, "The owner is missing in the URL");
	if (rc == ERR_DENIED)
		return bad(r, "The URL is not one of yours");
	if (rc) {
		imap_error(r, rc, NULL);
		return false;
	}
	if (!u->uid || !u->mailbox.n)
		return bad(r, "The URL names no message");
	if (u->access == IMAP_URL_NO_ACCESS || u->mechanism.p)
		return bad(r, "The URL must end with an access identifier");
	if (str_ieq(asked->mechanism, STR("INTERNAL")))
		return true;
	imap_no(r, "[CANNOT] The only mechanism is INTERNAL");
	return false;
}

/* The key of that mailbox, of the user's; made when there is none, or anew. False: the reply is set. */
static bool make_key(struct imap_request *r, const struct imap_place *place, bool replace, uint8_t key[URL_KEY_SIZE])
{
	uint8_t fresh[URL_KEY_SIZE];
	crypto_random(fresh, sizeof(fresh));
	int rc = account_url_key_make(r->s->account, account_id(place->account), place->mailbox.id, replace, fresh, key);
	crypto_wipe(fresh, sizeof(fresh));
	if (rc)
		imap_error(r, rc, NULL);
	return !rc;
}

/* Appends SP and the authorised URL. */
static bool authorise(struct imap_request *r, const struct imap_genurlauth *asked, struct buf *out)
{
	struct imap_url u;
	struct imap_place place;
	uint8_t key[URL_KEY_SIZE];
	if (!check(r, asked, &u))
		return false;
	if (!imap_place_find(r, u.mailbox, ACL_READ, false, &place))
		return bad(r, "There is no such mailbox");
	if (!make_key(r, &place, false, key))
		return false;
	struct buf full = BUF_INIT(0);
	buf_add_str(&full, u.rump);
	buf_add_lit(&full, ":internal:");
	int rc = url_access_token(key, u.rump, &full);
	crypto_wipe(key, sizeof(key));
	buf_add_char(out, ' ');
	imap_format_string(out, buf_str(&full), false);
	buf_fini(&full);
	if (rc)
		imap_error(r, rc, NULL);
	return !rc;
}

enum imap_result imap_cmd_genurlauth(struct imap_request *r)
{
	struct imap_genurlauth *v;
	size_t n;
	if (!imap_genurlauth_args(&r->args, &v, &n))
		return imap_bad_args(r);
	struct buf line = BUF_INIT(0);
	bool ok = true;
	buf_add_lit(&line, "* GENURLAUTH");
	for (size_t i = 0; ok && i < n; i++)
		ok = authorise(r, &v[i], &line);
	buf_add_lit(&line, "\r\n");
	if (ok && !line.failed) {
		conn_write_str(r->conn, buf_str(&line));
		imap_ok(r, "GENURLAUTH completed");
	} else if (ok) {
		imap_error(r, ERR_NO_MEMORY, NULL);
	}
	buf_fini(&line);
	return IMAP_REPLIED;
}

enum imap_result imap_cmd_resetkey(struct imap_request *r)
{
	struct imap_place place;
	struct str mailbox;
	uint8_t key[URL_KEY_SIZE];
	bool only_internal;
	if (imap_peek(&r->args) < 0) {
		int rc = account_url_keys_clear(r->s->account);
		audit_act(conn_user(r->conn), "imap", "urlauth.reset", conn_user(r->conn), STR("all mailboxes"), rc);
		return rc ? imap_error(r, rc, NULL) : imap_ok(r, "All keys removed");
	}
	if (!imap_resetkey_args(&r->args, &mailbox, &only_internal))
		return imap_bad_args(r);
	if (!only_internal)
		return imap_no(r, "[CANNOT] The only mechanism is INTERNAL");
	if (!imap_place_find(r, mailbox, ACL_READ, false, &place) || !make_key(r, &place, true, key))
		return IMAP_REPLIED;
	crypto_wipe(key, sizeof(key));
	audit_act(conn_user(r->conn), "imap", "urlauth.reset", conn_user(r->conn), mailbox, 0);
	return imap_ok(r, "[URLMECH INTERNAL] RESETKEY completed");
}
