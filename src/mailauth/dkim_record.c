#include "mailauth/dkim_record.h"

#include "base/ascii.h"
#include "base/base64.h"
#include "mailauth/dkim_tags.h"

int dkim_base64(struct str text, struct buf *out)
{
	struct buf dense = BUF_INIT(0);
	for (size_t i = 0; i < text.n; i++)
		if (!ascii_is_space((unsigned char)text.p[i]))
			buf_add_char(&dense, text.p[i]);
	int code = dense.failed ? ERR_INVALID : base64_decode(out, buf_str(&dense));
	buf_fini(&dense);
	return code;
}

static bool has(const struct dkim_tags *t, struct str name, struct str word)
{
	const struct dkim_tag *tag = dkim_tags_find(t, name);
	return tag && dkim_tags_has(tag->value, word);
}

/* An absent tag means everything. */
static bool permits(const struct dkim_tags *t, struct str name, struct str word)
{
	return !dkim_tags_find(t, name) || has(t, name, word);
}

const char *dkim_record_parse(struct str text, enum dkim_algorithm algorithm, struct dkim_record *out, struct buf *p_out)
{
	struct dkim_tags t;
	*out = (struct dkim_record){ 0 };
	if (!dkim_tags_parse(text, &t))
		return "key record is no tag list";
	const struct dkim_tag *v = dkim_tags_find(&t, STR("v")), *k = dkim_tags_find(&t, STR("k")), *p = dkim_tags_find(&t, STR("p"));
	if (v && (v != t.v || !str_eq(v->value, STR("DKIM1"))))
		return "key record of another version";
	out->testing = has(&t, STR("t"), STR("y"));
	out->strict = has(&t, STR("t"), STR("s"));
	/* RFC 8301 3.1 leaves sha256 alone */
	if (!permits(&t, STR("h"), STR("sha256")))
		return "key is for another hash";
	if (!permits(&t, STR("s"), STR("*")) && !has(&t, STR("s"), STR("email")))
		return "key is for another service";
	if (!p)
		return "key record without p=";
	if (p->value.n == 0)
		return "key revoked";
	if (!str_eq(k ? k->value : STR("rsa"), algorithm == DKIM_RSA_SHA256 ? STR("rsa") : STR("ed25519")))
		return "key of another type";
	return dkim_base64(p->value, p_out) == 0 ? NULL : "key is no base64";
}
