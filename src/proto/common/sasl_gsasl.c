/* CRAM-MD5 by GNU SASL: what it asks for comes from the directory. An unknown user walks the whole way with a made-up secret and fails where a
 * wrong one fails. */
#include "proto/common/inside.h"

/* ---- what GNU SASL asks ---- */

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

static void ask_directory(struct sasl *x)
{
	struct str name = str_from_c(gsasl_property_fast(x->session, GSASL_AUTHID));
	x->asked = true;
	sasl_keep_name(x, name);
	x->credentials_code =
		directory_credentials(services_directory(x->services), &x->arena, &x->login, name, &x->credentials);
}

int sasl_answer(Gsasl *context, Gsasl_session *session, Gsasl_property property)
{
	struct sasl *x = gsasl_session_hook_get(session);
	(void)context;
	if (property != GSASL_PASSWORD)
		return GSASL_NO_CALLBACK;
	if (!x->asked)
		ask_directory(x);
	if (x->credentials_code != 0 && x->credentials_code != ERR_NOT_FOUND)
		return GSASL_AUTHENTICATION_ERROR;      /* step_gsasl looks at the code */
	return set_secret(session, x->credentials.secret);
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
	struct str name = str_from_c(gsasl_property_fast(x->session, GSASL_AUTHID));
	int code = sasl_proven(x, name, STR_NONE, true);
	return code ? sasl_fail(code, code_out) : SASL_DONE;
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
