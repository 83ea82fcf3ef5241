/* OAUTHBEARER (RFC 7628) and its forerunner XOAUTH2, as Google and Microsoft document it: a bearer token in place of a password. */
#include "proto/common/inside.h"

#include "base/clock.h"
#include "proto/common/oauth.h"

#define SEPARATOR '\001'

/* "auth=Bearer TOKEN" among key=value pairs that each end with ^A; a last ^A ends the message. False: malformed. */
static bool read_pairs(struct str pairs, struct str *token_out)
{
	struct str pair;
	*token_out = STR_NONE;
	while (str_cut(pairs, SEPARATOR, &pair, &pairs)) {
		if (!pair.n)
			return pairs.n == 0 && token_out->p;
		size_t equals = str_chr(pair, '=');
		if (equals == STR_NPOS)
			return false;
		struct str value = str_from(pair, equals + 1);
		if (!str_ieq(str_sub(pair, 0, equals), STR("auth")))
			continue;
		if (value.n < 7 || !str_ieq(str_sub(value, 0, 7), STR("bearer ")))
			return false;
		*token_out = str_from(value, 7);
	}
	return false;
}

/* RFC 7628 3.1: gs2-header ^A *kvpair ^A; a name in it is optional, and nothing is bound. */
static bool read_oauthbearer(struct str in, struct str *name_out, struct str *token_out)
{
	struct str flag, authzid, rest;
	if (!str_cut(in, ',', &flag, &rest) || !str_cut(rest, ',', &authzid, &rest))
		return false;
	if ((!str_eq(flag, STR("n")) && !str_eq(flag, STR("y"))) || (authzid.n && !str_starts(authzid, STR("a="))))
		return false;
	*name_out = str_from(authzid, authzid.n ? 2 : 0);
	return rest.n && rest.p[0] == SEPARATOR && read_pairs(str_from(rest, 1), token_out);
}

/* "user=" name ^A "auth=Bearer " token ^A ^A */
static bool read_xoauth2(struct str in, struct str *name_out, struct str *token_out)
{
	struct str first, rest;
	if (!str_cut(in, SEPARATOR, &first, &rest) || first.n <= 5 || !str_ieq(str_sub(first, 0, 5), STR("user=")))
		return false;
	*name_out = str_from(first, 5);
	return read_pairs(rest, token_out);
}

/* The brake first, so that tokens cannot be tried without end; then the token; then its user, who must be the one that was named. */
static int verify(struct sasl *x, struct str name, struct str token)
{
	struct directory *d = services_directory(x->services);
	struct str user;
	struct err e = { 0 };
	if (directory_brakes(d, &x->login))
		return ERR_BUSY;
	const struct mail_config *cfg = services_config(x->services);
	int code = oauth_verify(services_oauth(x->services), cfg, &x->arena, token, clock_now(), &user, &e);
	mail_config_unref(&cfg);
	if (code)
		conn_log(x->conn, code == ERR_DENIED ? LOG_INFO : LOG_ERROR, "auth.oauth", LOG_LIST(LOG_C("why", e.log)));
	if (code && code != ERR_DENIED)
		return code;
	/* Unknown and disabled users, and the brake, as for other mechanisms that prove it themselves. */
	x->asked = true;
	sasl_keep_name(x, code ? name : user);
	x->credentials_code = directory_credentials(d, &x->arena, &x->login, code ? name : user, &x->credentials);
	if (x->credentials_code && x->credentials_code != ERR_NOT_FOUND)
		return x->credentials_code;
	return sasl_proven(x, code ? name : user, name, code == 0);
}

/* RFC 7628 3.2.2; XOAUTH2 has status 401. The client answers with ^A, or nothing, and is then refused. */
static void write_refusal(const struct sasl *x, struct buf *out)
{
	if (x->mechanism->xoauth2)
		buf_add_lit(out, "{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"\"}");
	else
		buf_add_lit(out, "{\"status\":\"invalid_token\"}");
}

enum sasl_result sasl_step_oauth(struct sasl *x, struct str in, struct buf *out, int *code_out)
{
	struct str name = STR_NONE, token;
	if (x->refused)
		return sasl_fail(x->refused, code_out);
	bool read = x->mechanism->xoauth2 ? read_xoauth2(in, &name, &token) : read_oauthbearer(in, &name, &token);
	if (!read || str_chr(in, '\0') != STR_NPOS)
		return SASL_MALFORMED;
	sasl_keep_name(x, name);
	int code = verify(x, name, token);
	if (code == 0)
		return SASL_DONE;
	if (code != ERR_DENIED)
		return sasl_fail(code, code_out);
	x->refused = code;
	write_refusal(x, out);
	return SASL_CONTINUE;
}
