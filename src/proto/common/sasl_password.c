/* PLAIN and LOGIN: the client shows the password. Not by GNU SASL, which leaves copies of it in freed memory, fails
 * where SASLprep does, and forgets a user name that comes as LOGIN's initial response (as many clients send it). */
#include "proto/common/inside.h"

static enum sasl_result verify(struct sasl *x, struct str authzid, struct str name, struct str password, int *code_out)
{
	struct directory *d = services_directory(x->services);
	int code = directory_verify(d, &x->arena, &x->login, name, password, &x->user);
	if (code == 0)
		code = sasl_authorise(x, authzid, &x->user);
	return code == 0 ? SASL_DONE : sasl_fail(code, code_out);
}

/* RFC 4616 section 2: [authzid] NUL authcid NUL passwd, none of which holds a NUL. */
enum sasl_result sasl_step_plain(struct sasl *x, struct str in, struct buf *out, int *code_out)
{
	struct str authzid, name, password;
	(void)out;
	if (!str_cut(in, '\0', &authzid, &in) || !str_cut(in, '\0', &name, &password))
		return SASL_MALFORMED;
	if (name.n == 0 || password.n == 0 || str_chr(password, '\0') != STR_NPOS)
		return SASL_MALFORMED;
	sasl_keep_name(x, name);
	return verify(x, authzid, name, password, code_out);
}

/* LOGIN was never made a standard; draft-murchison-sasl-login-00 says what is done. The prompts are those that
 * clients compare with. */
enum sasl_result sasl_begin_login(struct sasl *x, struct buf *out, int *code_out)
{
	(void)x;
	(void)code_out;
	buf_add_lit(out, "Username:");
	return SASL_CONTINUE;
}

enum sasl_result sasl_step_login(struct sasl *x, struct str in, struct buf *out, int *code_out)
{
	if (in.n == 0)
		return SASL_MALFORMED;
	if (x->name.p)
		return verify(x, STR_NONE, x->name, in, code_out);
	x->name = arena_dup(&x->arena, in);
	if (!x->name.p)
		return sasl_fail(ERR_NO_MEMORY, code_out);
	buf_add_lit(out, "Password:");
	return SASL_CONTINUE;
}
