#include "milter/macros.h"

#include "milter/limits.h"

struct str milter_macros_default(enum milter_stage s)
{
	static const struct str lists[MILTER_STAGE_COUNT] = {
		[MILTER_AT_CONNECT] = STR_INIT("j _ {daemon_name} {daemon_addr} {daemon_port} {if_name} {if_addr} v {client_addr} {client_name} {client_port} {client_ptr}"),
		[MILTER_AT_HELO] = STR_INIT("{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}"),
		[MILTER_AT_MAIL] = STR_INIT("i {auth_type} {auth_authen} {auth_ssf} {auth_author} {mail_mailer} {mail_host} {mail_addr}"),
		[MILTER_AT_RCPT] = STR_INIT("i {rcpt_mailer} {rcpt_host} {rcpt_addr}"),
		[MILTER_AT_DATA] = STR_INIT("i"),
		[MILTER_AT_EOM] = STR_INIT("i {msg_id}"),
		[MILTER_AT_EOH] = STR_INIT("i"),
	};

	return lists[s];
}

/* The next name, without braces. False at the end. */
static bool next_name(struct str *list, struct str *out)
{
	size_t from = 0, to;

	while (from < list->n && strchr(" \t,", list->p[from]))
		from++;
	for (to = from; to < list->n && !strchr(" \t,", list->p[to]);)
		to++;
	*out = str_sub(*list, from, to - from);
	*list = str_from(*list, to);
	if (out->n > 2 && out->p[0] == '{' && out->p[out->n - 1] == '}')
		*out = str_sub(*out, 1, out->n - 2);
	return out->n > 0;
}

void milter_macros_put(struct buf *b, enum milter_command next, struct str list, const struct milter_macros *x)
{
	struct milter_macro macros[MILTER_MACROS_MAX];
	struct str name;
	size_t n = 0;

	while (n < MILTER_MACROS_MAX && next_name(&list, &name)) {
		struct str value = x->get(x->ctx, name);
		if (value.p)
			macros[n++] = (struct milter_macro){ name, value };
	}
	milter_put_macros(b, next, macros, n);
}
