#include "mailauth/dkim.h"

#include "base/ascii.h"
#include "mailauth/dkim_public.h"
#include "mailauth/dkim_template.h"
#include "mailauth/dkim_write.h"

/* dkim-quoted-printable: RFC 6376 2.11. */
static void add_quoted(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c > ' ' && c != 0x7f && c != ';' && c != '=' && c != '|')
			buf_add_char(b, (char)c);
		else
			buf_printf(b, "=%02X", c);
	}
}

static int sign_one(const struct dkim_template *t, const struct dkim_signer *s, int64_t now, struct buf *out)
{
	struct dkim_writer w;
	struct buf identity = BUF_INIT(0);
	add_quoted(&identity, s->identity);
	dkim_write_begin(&w, out, STR("DKIM-Signature:"));
	dkim_write_tag(&w, STR("v="), STR("1"));
	dkim_write_tag(&w, STR("a="), dkim_algorithm_text(dkim_key_algorithm(s->key)));
	dkim_write_tag(&w, STR("c="), STR("relaxed/relaxed"));
	dkim_write_tag(&w, STR("d="), s->domain);
	dkim_write_tag(&w, STR("s="), s->selector);
	if (identity.n > 0)
		dkim_write_tag(&w, STR("i="), buf_str(&identity));
	dkim_write_number(&w, STR("t="), now);
	if (s->expires > 0)
		dkim_write_number(&w, STR("x="), s->expires);
	dkim_write_list(&w, STR("h="), buf_str(&t->names));
	dkim_write_tag(&w, STR("bh="), buf_str(&t->body_hash));
	int code = identity.failed ? ERR_NO_MEMORY : dkim_write_signature(&w, buf_str(&t->header), s->key);
	buf_fini(&identity);
	return code;
}

int dkim_sign(struct str message, const struct dkim_signer *s, size_t n, int64_t now, struct buf *out, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct dkim_message m;
	struct dkim_template t = { 0 };
	size_t before = out->n;
	/* what begins with a blank would become a part of our field */
	if (message.n > 0 && ascii_is_blank(message.p[0]))
		return err_set(e, ERR_INVALID, NULL, "the message begins with no field");
	int code = dkim_message_read(&arena, message, &m);
	if (code == 0)
		code = dkim_template_init(&t, &m, false, e);
	for (size_t i = 0; i < n && code == 0; i++)
		code = sign_one(&t, &s[i], now, out);
	if (code != 0)
		out->n = before;        /* all or none */
	dkim_template_fini(&t);
	arena_fini(&arena);
	return code;
}
