/* LOGIN and AUTHENTICATE: who is it. */
#include "proto/common/sasl.h"
#include "proto/imap/capability.h"
#include "proto/imap/commands.h"
#include "proto/imap/limits.h"
#include "search/search.h"

/* The user is proven: opens the account and says so, with the capabilities that hold from now on (RFC 3501 7.1). */
static enum imap_result welcome(struct imap_request *r, const struct directory_user *user)
{
	struct imap_session *s = r->s;
	int rc = account_open(services_model(s->services), user->account, &s->account);
	if (rc)
		return imap_error(r, rc, NULL);
	rc = conn_set_user(s->conn, user->name);
	if (rc) {
		account_close(&s->account);
		return rc == ERR_BUSY ? imap_no(r, "[LIMIT] Too many connections of this user") : imap_error(r, rc, NULL);
	}
	s->state = IMAP_AUTHENTICATED;
	search_hint(services_search(s->services), user->account);
	conn_set_timeout(s->conn, s->config->imap_timeout_ms);
	conn_log(s->conn, LOG_INFO, "imap.login", LOG_LIST(LOG_C("by", r->row->name)));
	struct buf names = BUF_INIT(0);
	imap_capability_write(s, &names);
	imap_ok(r, "[CAPABILITY %.*s] Logged in", STR_ARG(buf_str(&names)));
	buf_fini(&names);
	return IMAP_REPLIED;
}

/* name: as far as it is known. */
static enum imap_result refused(struct imap_request *r, struct str name, int code)
{
	conn_log(r->conn, LOG_NOTICE, "imap.login-failed",
			 LOG_LIST(LOG_C("by", r->row->name), LOG_S("name", name), LOG_C("why", err_text(code))));
	if (err_class(code) != ERR_CLASS_CLIENT && code != ERR_BUSY)
		return imap_error(r, code, NULL);
	enum imap_result result = code == ERR_BUSY ? imap_no(r, "[UNAVAILABLE] Too many failed attempts; try again later")
							: imap_no(r, "[AUTHENTICATIONFAILED] Wrong name or password");
	if (++r->s->login_failures >= IMAP_LOGIN_FAILURES_MAX) {
		imap_send(r);
		imap_bye(r->s, "Too many failed attempts");
		return IMAP_SENT;
	}
	return result;
}

enum imap_result imap_cmd_login(struct imap_request *r)
{
	struct imap_session *s = r->s;
	struct str name, password;
	if (!imap_astring(&r->args, &name) || !imap_sp(&r->args) || !imap_astring(&r->args, &password) || !imap_end(&r->args))
		return imap_bad_args(r);
	struct directory_user user;
	int rc = login_with_password(s->conn, s->services, "imap", r->arena, name, password, &user);
	return rc ? refused(r, name, rc) : welcome(r, &user);
}

/* One step of the exchange has given `result` and `reply`. */
static enum imap_result stepped(struct imap_request *r, enum sasl_result result, struct str reply, int code)
{
	struct imap_session *s = r->s;
	if (result == SASL_CONTINUE || (result == SASL_DONE && reply.n)) {
		/* RFC 3501 has no field for data that comes with success: it goes out as a challenge, the answer is empty. */
		s->sasl_done = result == SASL_DONE;
		conn_printf(s->conn, "+ %.*s\r\n", STR_ARG(reply));
		return IMAP_CONTINUES;
	}
	enum imap_result done;
	switch (result) {
	case SASL_DONE:
		done = welcome(r, sasl_user(s->sasl));
		break;
	case SASL_MALFORMED:
		done = imap_bad(r, "Malformed response");
		break;
	case SASL_UNKNOWN:
		done = imap_no(r, "[CANNOT] No such mechanism");
		break;
	case SASL_NEEDS_TLS:
		done = imap_no(r, "[PRIVACYREQUIRED] Use STARTTLS first");
		break;
	default:
		done = refused(r, STR_NONE, code);
		break;
	}
	sasl_destroy(&s->sasl);
	return done;
}

enum imap_result imap_cmd_authenticate(struct imap_request *r)
{
	struct imap_session *s = r->s;
	struct str mechanism, initial = STR_NONE;
	if (!imap_atom(&r->args, &mechanism))
		return imap_bad_args(r);
	if (imap_peek(&r->args) == ' ') {
		/* RFC 4959: base64 or "=", to the end of the line. Base64 is made of atom characters. */
		if (!imap_sp(&r->args) || !imap_atom(&r->args, &initial))
			return imap_bad_args(r);
	}
	if (!imap_end(&r->args))
		return imap_bad_args(r);
	struct buf reply = BUF_INIT(0);
	int code = 0;
	s->sasl_done = false;
	enum sasl_result result =
		sasl_start(s->conn, s->services, s->config, "imap", mechanism, initial, &s->sasl, &reply, &code);
	enum imap_result done = stepped(r, result, buf_str(&reply), code);
	buf_fini(&reply);
	return done;
}

enum imap_result imap_line_authenticate(struct imap_request *r, struct str line)
{
	struct imap_session *s = r->s;
	if (str_eq(line, STR("*"))) {
		/* RFC 3501 6.2.2: the client cancels. */
		sasl_destroy(&s->sasl);
		return imap_bad(r, "AUTHENTICATE cancelled");
	}
	struct buf reply = BUF_INIT(0);
	int code = 0;
	enum sasl_result result;
	if (s->sasl_done)
		result = line.n ? SASL_MALFORMED : SASL_DONE;
	else
		result = sasl_step(s->sasl, line, &reply, &code);
	enum imap_result done = stepped(r, result, buf_str(&reply), code);
	buf_fini(&reply);
	return done;
}
