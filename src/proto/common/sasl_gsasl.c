/* SCRAM-SHA-256, its -PLUS, and CRAM-MD5, by GNU SASL: what it asks for comes from the directory. An unknown user
 * walks the whole way with made-up keys and fails where a wrong password fails. */
#include "proto/common/inside.h"

#include "base/base64.h"

/* ---- what GNU SASL asks ---- */

static int set_bytes(Gsasl_session *session, Gsasl_property p, const void *bytes, size_t n)
{
	struct buf b = BUF_INIT(0);
	base64_encode(&b, str_make(bytes, n));
	int rc = b.failed ? GSASL_MALLOC_ERROR : gsasl_property_set_raw(session, p, b.p, b.n);
	buf_fini(&b);
	return rc;
}

static int set_number(Gsasl_session *session, Gsasl_property p, unsigned number)
{
	char text[16];
	snprintf(text, sizeof(text), "%u", number);
	return gsasl_property_set(session, p, text);
}

/* CRAM-MD5 for somebody without a secret: one that nobody knows. */
static int set_secret(Gsasl_session *session, struct str secret)
{
	char nobody[24], *p = nobody;
	if (secret.n)
		return gsasl_property_set_raw(session, GSASL_PASSWORD, secret.p, secret.n);
	for (crypto_random(nobody, sizeof(nobody)); p < nobody + sizeof(nobody); p++)
		*p = (char)('a' + (unsigned char)*p % 16);
	return gsasl_property_set_raw(session, GSASL_PASSWORD, nobody, sizeof(nobody));
}

static int set_binding(struct conn *c, Gsasl_session *session)
{
	struct buf binding = BUF_INIT(0);
	int rc = GSASL_NO_CALLBACK;
	if (conn_has_tls(c) && conn_tls_exporter(c, &binding) == 0)
		rc = set_bytes(session, GSASL_CB_TLS_EXPORTER, binding.p, binding.n);
	buf_fini(&binding);
	return rc;
}

static void ask_directory(struct sasl *x)
{
	struct str name = str_from_c(gsasl_property_fast(x->session, GSASL_AUTHID));
	x->asked = true;
	x->credentials_code =
		directory_credentials(services_directory(x->services), &x->arena, &x->login, name, &x->credentials);
}

int sasl_answer(Gsasl *context, Gsasl_session *session, Gsasl_property property)
{
	struct sasl *x = gsasl_session_hook_get(session);
	const struct directory_scram *scram = &x->credentials.sha256;
	(void)context;
	/* tls-exporter only: tls-unique does not exist in TLS 1.3 (RFC 9266 section 1). Without -PLUS the answer decides
	 * about a client that says "I would have bound, but you did not offer it": if we did, a man in the middle took the
	 * offer away, and the client is refused (RFC 5802 section 6). */
	if (property == GSASL_CB_TLS_EXPORTER)
		return set_binding(x->conn, session);
	bool cram = x->mechanism->needs_secret;
	if (property != GSASL_SCRAM_ITER && property != GSASL_SCRAM_SALT && property != GSASL_SCRAM_STOREDKEY &&
		property != GSASL_SCRAM_SERVERKEY && !(cram && property == GSASL_PASSWORD))
		return GSASL_NO_CALLBACK;
	if (!x->asked)
		ask_directory(x);
	if (x->credentials_code != 0 && x->credentials_code != ERR_NOT_FOUND)
		return GSASL_AUTHENTICATION_ERROR;      /* step_gsasl looks at the code */
	switch (property) {
	case GSASL_SCRAM_ITER:
		return set_number(session, property, scram->iterations);
	case GSASL_SCRAM_SALT:
		return set_bytes(session, property, scram->salt, sizeof(scram->salt));
	case GSASL_SCRAM_STOREDKEY:
		return set_bytes(session, property, scram->stored_key, sizeof(scram->stored_key));
	case GSASL_SCRAM_SERVERKEY:
		return set_bytes(session, property, scram->server_key, sizeof(scram->server_key));
	default:
		return set_secret(session, x->credentials.secret);
	}
}

/* ---- the exchange ---- */

static int start_session(struct sasl *x)
{
	int rc = gsasl_server_start(services_gsasl(x->services), x->mechanism->name, &x->session);
	if (rc != GSASL_OK)
		return rc == GSASL_MALLOC_ERROR ? ERR_NO_MEMORY : ERR_UNSUPPORTED;
	gsasl_session_hook_set(x->session, x);
	return 0;
}

static enum sasl_result finish(struct sasl *x, int *code_out)
{
	struct str authzid = str_from_c(gsasl_property_fast(x->session, GSASL_AUTHZID));
	x->user = x->credentials.user;
	int code = x->asked && x->credentials_code == 0 ? sasl_authorise(x, authzid, &x->user) : ERR_DENIED;
	directory_note_login(services_directory(x->services), &x->login, x->user.name, code == 0);
	if (code != 0)
		return sasl_fail(code, code_out);
	x->proven = true;
	return SASL_DONE;
}

static enum sasl_result refuse(struct sasl *x, int rc, int *code_out)
{
	if (rc == GSASL_MECHANISM_PARSE_ERROR || rc == GSASL_BASE64_ERROR || rc == GSASL_MECHANISM_CALLED_TOO_MANY_TIMES)
		return SASL_MALFORMED;
	if (rc == GSASL_MALLOC_ERROR || rc == GSASL_CRYPTO_ERROR)
		return sasl_fail(ERR_NO_MEMORY, code_out);
	/* What fails before anybody's keys were asked for is no guess. */
	if (x->asked) {
		struct str name = str_from_c(gsasl_property_fast(x->session, GSASL_AUTHID));
		directory_note_login(services_directory(x->services), &x->login, name, false);
	}
	return sasl_fail(ERR_DENIED, code_out);
}

static enum sasl_result step_gsasl(struct sasl *x, struct str in, struct buf *out, int *code_out)
{
	char *reply = NULL;
	size_t n = 0;
	int rc = gsasl_step(x->session, in.p, in.n, &reply, &n);
	if (n)
		buf_add(out, reply, n);
	gsasl_free(reply);
	/* A code that is not about the user (too many failures, a disk) must not look like a wrong password. */
	if (x->asked && x->credentials_code != 0 && x->credentials_code != ERR_NOT_FOUND)
		return sasl_fail(x->credentials_code, code_out);
	if (rc == GSASL_NEEDS_MORE)
		return SASL_CONTINUE;
	if (rc != GSASL_OK)
		return refuse(x, rc, code_out);
	enum sasl_result r = finish(x, code_out);
	return r == SASL_DONE && out->n ? SASL_CONTINUE : r;
}

/* RFC 5802 section 5.1: in a name "=" stands only in "=2C" and "=3D"; otherwise the server must fail. GNU SASL takes
 * it as it is. */
static bool names_are_escaped(struct str client_first)
{
	struct str attribute, rest = client_first;
	bool more;
	do {
		more = str_cut(rest, ',', &attribute, &rest);
		if (!str_starts(attribute, STR("n=")) && !str_starts(attribute, STR("a=")))
			continue;
		for (struct str name = str_from(attribute, 2); name.n; name = str_from(name, 1))
			if (name.p[0] == '=' && !str_starts(name, STR("=2C")) && !str_starts(name, STR("=3D")))
				return false;
	} while (more);
	return true;
}

enum sasl_result sasl_step_scram(struct sasl *x, struct str in, struct buf *out, int *code_out)
{
	if (x->proven)
		return in.n == 0 ? SASL_DONE : SASL_MALFORMED;
	if (in.n == 0 || str_chr(in, '\0') != STR_NPOS)
		return SASL_MALFORMED;
	if (!x->session) {
		/* RFC 5802 section 6: who binds must use -PLUS. */
		if (in.p[0] == 'p' && !x->mechanism->binds_channel)
			return sasl_fail(ERR_DENIED, code_out);
		int code = names_are_escaped(in) ? start_session(x) : ERR_DENIED;
		if (code != 0)
			return sasl_fail(code, code_out);
	}
	return step_gsasl(x, in, out, code_out);
}

enum sasl_result sasl_begin_cram_md5(struct sasl *x, struct buf *out, int *code_out)
{
	int code = start_session(x);
	return code == 0 ? step_gsasl(x, STR(""), out, code_out) : sasl_fail(code, code_out);
}

enum sasl_result sasl_step_cram_md5(struct sasl *x, struct str in, struct buf *out, int *code_out)
{
	/* To GNU SASL an empty answer is a request for the challenge. */
	if (in.n == 0 || str_chr(in, '\0') != STR_NPOS)
		return SASL_MALFORMED;
	return step_gsasl(x, in, out, code_out);
}
