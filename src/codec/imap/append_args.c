#include "codec/imap/append_args.h"

/* After "UTF8": SP "(". */
static bool utf8_begin(struct imap_cursor *c) { return imap_sp(c) && imap_expect(c, '(', "UTF8 wants a literal8 in parentheses"); }

static bool literal_next(struct imap_cursor *c) { return !c->error && (imap_peek(c) < 0 || imap_fail(c, "Expected a literal")); }

bool imap_append_message(struct imap_cursor *c, struct imap_append_message *out)
{
	*out = (struct imap_append_message){ .form = IMAP_APPEND_LITERAL };
	if (imap_peek(c) == '(' && !(imap_flag_list(c, &out->flags) && imap_sp(c)))
		return false;
	out->has_date = imap_peek(c) == '"';
	if (out->has_date && !(imap_date_time(c, &out->date) && imap_sp(c)))
		return false;
	if (imap_take_word(c, "CATENATE")) {
		out->form = IMAP_APPEND_CATENATE;
		return imap_sp(c) && imap_expect(c, '(', "CATENATE wants a list of parts");
	}
	if (imap_take_word(c, "UTF8")) {
		out->form = IMAP_APPEND_UTF8;
		if (!utf8_begin(c))
			return false;
	}
	return literal_next(c);
}

bool imap_append_part(struct imap_cursor *c, enum imap_append_part *out, struct str *url_out)
{
	*url_out = STR_NONE;
	if (imap_take_word(c, "URL")) {
		*out = IMAP_PART_URL;
		return imap_sp(c) && (imap_peek(c) < 0 || imap_astring(c, url_out));
	}
	bool text = imap_take_word(c, "TEXT");
	*out = text ? IMAP_PART_TEXT : IMAP_PART_UTF8;
	if (text ? !imap_sp(c) : !imap_take_word(c, "UTF8") || !utf8_begin(c))
		return imap_fail(c, "A part is TEXT or URL");
	return literal_next(c);
}
