#include "app/json.h"

#include "base/utf8.h"

void json_add_str(struct buf *b, struct str s)
{
	buf_add_char(b, '"');
	for (size_t at = 0; at < s.n;) {
		size_t from = at;
		uint32_t c = utf8_next(s, &at);
		if (c == '"' || c == '\\') {
			buf_add_char(b, '\\');
			buf_add_char(b, (char)c);
		} else if (c == 0xfffd) {
			buf_add_lit(b, "\xef\xbf\xbd");
		} else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			buf_printf(b, "\\u%04x", (unsigned)c);
		} else {
			buf_add(b, s.p + from, at - from);
		}
	}
	buf_add_char(b, '"');
}

void json_add_comma(struct buf *b)
{
	char last = b->n ? b->p[b->n - 1] : '{';
	if (last != '{' && last != '[')
		buf_add_char(b, ',');
}

void json_add_name(struct buf *b, const char *name)
{
	json_add_comma(b);
	buf_printf(b, "\"%s\":", name);
}

void json_add_member(struct buf *b, const char *name, struct str value)
{
	json_add_name(b, name);
	json_add_str(b, value);
}

void json_add_number(struct buf *b, const char *name, int64_t value)
{
	json_add_name(b, name);
	buf_printf(b, "%lld", (long long)value);
}

void json_add_bool(struct buf *b, const char *name, bool value)
{
	json_add_name(b, name);
	buf_add_c(b, value ? "true" : "false");
}
