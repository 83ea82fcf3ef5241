#include "mailauth/dkim_write.h"

#include "base/base64.h"
#include "base/num.h"
#include "mailauth/dkim_canon.h"
#include "mailauth/dkim_public.h"

#define LINE_MAX_WANTED 78

static void put(struct dkim_writer *w, struct str s)
{
	buf_add_str(w->out, s);
	w->column += s.n;
}

static void break_line(struct dkim_writer *w)
{
	buf_add_lit(w->out, "\r\n\t");
	w->column = 8;
}

/* A blank, or a new line when what comes next would not fit. */
static void make_room(struct dkim_writer *w, size_t n)
{
	if (w->column + 1 + n > LINE_MAX_WANTED)
		break_line(w);
	else
		put(w, STR(" "));
}

void dkim_write_begin(struct dkim_writer *w, struct buf *out, struct str field)
{
	*w = (struct dkim_writer){ .out = out, .at = out->n };
	put(w, field);
}

void dkim_write_tag(struct dkim_writer *w, struct str name, struct str value)
{
	make_room(w, name.n + value.n + 1);
	put(w, name);
	put(w, value);
	put(w, STR(";"));
}

void dkim_write_number(struct dkim_writer *w, struct str name, int64_t value)
{
	char digits[20];
	dkim_write_tag(w, name, str_make(digits, num_format_u64(digits, value > 0 ? (uint64_t)value : 0)));
}

void dkim_write_list(struct dkim_writer *w, struct str name, struct str value)
{
	struct str element;
	bool more = str_cut(value, ':', &element, &value);
	make_room(w, name.n + element.n + 1);
	put(w, name);
	put(w, element);
	while (more) {
		put(w, STR(":"));
		more = str_cut(value, ':', &element, &value);
		if (w->column + element.n + 1 > LINE_MAX_WANTED)
			break_line(w);
		put(w, element);
	}
	put(w, STR(";"));
}

static int sign(const struct dkim_writer *w, struct str before, const struct dkim_key *key, struct buf *base64)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	struct buf text = BUF_INIT(0), raw = BUF_INIT(0);
	buf_add_str(&text, before);
	dkim_canon_field(DKIM_RELAXED, str_from(buf_str(w->out), w->at), &text);
	int code = text.failed || w->out->failed ? ERR_NO_MEMORY : crypto_sha256(buf_str(&text), digest);
	if (code == 0)
		code = dkim_key_sign(key, digest, &raw);
	if (code == 0)
		base64_encode(base64, buf_str(&raw));
	buf_fini(&raw);
	buf_fini(&text);
	return code == 0 && base64->failed ? ERR_NO_MEMORY : code;
}

int dkim_write_signature(struct dkim_writer *w, struct str before, const struct dkim_key *key)
{
	struct buf base64 = BUF_INIT(0);
	break_line(w);
	put(w, STR("b="));
	int code = sign(w, before, key, &base64);
	struct str rest = buf_str(&base64);
	while (code == 0 && rest.n > 0) {
		struct str piece = str_sub(rest, 0, LINE_MAX_WANTED - w->column);
		put(w, piece);
		rest = str_from(rest, piece.n);
		if (rest.n > 0)
			break_line(w);
	}
	buf_add_lit(w->out, "\r\n");
	buf_fini(&base64);
	return code == 0 && w->out->failed ? ERR_NO_MEMORY : code;
}
