#include "codec/mime/preview.h"

#include "base/utf8.h"
#include "codec/mime/charset.h"
#include "codec/mime/html.h"

/* Of plain text without transfer encoding no more is needed; the rest of the ceiling is for markup. */
#define PLAIN_SOURCE_MAX 2048

static bool is_attachment(const struct mime_part *part)
{
	return str_ieq(mime_token_parse(part->field[MIME_FIELD_CONTENT_DISPOSITION]), STR("attachment"));
}

static const struct mime_part *find_text(const struct mime_message *m, bool *html_out)
{
	for (uint32_t i = 0; i < m->part_count; i++) {
		const struct mime_part *part = &m->part[i];
		*html_out = str_ieq(part->type.subtype, STR("html"));
		if (part->kind != MIME_LEAF || !str_ieq(part->type.type, STR("text")) || part->body_n == 0)
			continue;
		if ((*html_out || str_ieq(part->type.subtype, STR("plain"))) && !is_attachment(part))
			return part;
	}
	return NULL;
}

static bool is_white(uint32_t c)
{
	return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || (c >= 0x2000 && c <= 0x200b) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202f || c == 0x3000;
}

/* What newsletters fill the preview with so that nothing shows. */
static bool is_invisible(uint32_t c) { return c == 0xad || c == 0x34f || c == 0x200c || c == 0xfeff; }

static void add_collapsed(struct str text, struct buf *out)
{
	size_t start = out->n, at = 0;
	bool gap = false;
	while (at < text.n) {
		uint32_t c = utf8_next(text, &at);
		if (is_white(c)) {
			gap = out->n > start;
			continue;
		}
		if (is_invisible(c))
			continue;
		size_t before = out->n;
		if (gap)
			buf_add_char(out, ' ');
		utf8_add(out, c);
		gap = false;
		if (out->n - start > MIME_PREVIEW_MAX) {
			out->n = before;
			return;
		}
	}
}

void mime_preview_add(const struct mime_message *m, struct buf *out)
{
	bool html;
	const struct mime_part *part = find_text(m, &html);
	if (!part)
		return;
	bool short_source = !html && part->encoding != MIME_BASE64 && part->encoding != MIME_QUOTED_PRINTABLE;
	size_t max = short_source ? PLAIN_SOURCE_MAX : MIME_PREVIEW_SOURCE_MAX;
	struct buf decoded = BUF_INIT(0), utf8 = BUF_INIT(0), text = BUF_INIT(0);
	mime_transfer_decode(part->encoding, str_sub(mime_part_body(m, part), 0, max), &decoded);
	const struct mime_param *charset = mime_param_find(&part->type, STR("charset"));
	if (mime_charset_convert(charset ? charset->value : STR(""), buf_str(&decoded), &utf8))
		mime_charset_guess(buf_str(&decoded), &utf8);
	if (html)
		mime_html_text(buf_str(&utf8), &text);
	add_collapsed(buf_str(html ? &text : &utf8), out);
	buf_fini(&decoded);
	buf_fini(&utf8);
	buf_fini(&text);
}
