/* EXTERNAL (RFC 4422 appendix A): who it is says the client's TLS certificate. */
#include "proto/common/inside.h"

#define ADDRESSES_MAX 32                   /* looked at in one certificate */

bool sasl_has_certificate(struct conn *c)
{
	struct buf address = BUF_INIT(0);
	bool has = conn_tls_client_address(c, 0, &address) == 0;
	buf_fini(&address);
	return has;
}

/* 0, ERR_NOT_FOUND: not one of our users, who may log in. */
static int find(struct sasl *x, struct str address, struct directory_user *out)
{
	int code = directory_user_find(services_directory(x->services), &x->arena, address, out);
	if (code == ERR_INVALID || (code == 0 && (out->disabled || out->shared)))
		return ERR_NOT_FOUND;
	return code;
}

/* The user of the certificate whom the client wants to be; without a wish the first. */
static int choose(struct sasl *x, const struct directory_user *wanted)
{
	int code = ERR_NOT_FOUND;
	for (unsigned i = 0; code == ERR_NOT_FOUND && i < ADDRESSES_MAX; i++) {
		struct buf address = BUF_INIT(0);
		if (conn_tls_client_address(x->conn, i, &address) != 0)
			break;
		code = find(x, buf_str(&address), &x->user);
		if (code == 0 && wanted && wanted->account != x->user.account)
			code = ERR_NOT_FOUND;
		buf_fini(&address);
	}
	return code;
}

enum sasl_result sasl_step_external(struct sasl *x, struct str in, struct buf *out, int *code_out)
{
	struct directory_user wanted;
	(void)out;
	if (str_chr(in, '\0') != STR_NPOS)
		return SASL_MALFORMED;
	sasl_keep_name(x, in);
	int code = in.n ? find(x, in, &wanted) : 0;
	if (code == 0)
		code = choose(x, in.n ? &wanted : NULL);
	if (code == 0) {
		directory_note_login(services_directory(x->services), &x->login, x->user.name);
		return SASL_DONE;
	}
	/* No guess: whoever holds the certificate may as well be somebody else's user. */
	return sasl_fail(code == ERR_NOT_FOUND ? ERR_DENIED : code, code_out);
}
