#include "codec/imap/append_args.h"

bool imap_append_message(struct imap_cursor *c, struct imap_append_message *out)
{
	*out = (struct imap_append_message){ .form = IMAP_APPEND_LITERAL };
	if (imap_peek(c) == '(' && !(imap_flag_list(c, &out->flags) && imap_sp(c)))
		return false;
	out->has_date = imap_peek(c) == '"';
	if (out->has_date && !(imap_date_time(c, &out->date) && imap_sp(c)))
		return false;
	if (imap_take_word(c, "UTF8")) {
		out->form = IMAP_APPEND_UTF8;
		if (!imap_sp(c) || !imap_expect(c, '(', "UTF8 wants a literal8 in parentheses"))
			return false;
	}
	return !c->error && (imap_peek(c) < 0 || imap_fail(c, "Expected a literal"));
}
