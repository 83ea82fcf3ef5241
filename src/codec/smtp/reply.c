#include "codec/smtp/reply.h"

#include "base/ascii.h"

void smtp_reply_begin(struct smtp_reply *r)
{
	r->code = 0;
	r->lines = 0;
	r->status = (struct smtp_status){ 4, 0, 0 };
	r->text_n = 0;
}

static void add_printable(struct smtp_reply *r, struct str text)
{
	for (size_t i = 0; i < text.n && r->text_n < sizeof r->text; i++)
		r->text[r->text_n++] = ascii_is_print(text.p[i]) ? text.p[i] : text.p[i] == '\t' ? ' ' : '?';
}

enum smtp_reply_step smtp_reply_line(struct smtp_reply *r, struct str line)
{
	if (line.n < 3 || line.p[0] < '2' || line.p[0] > '5' || !ascii_is_digit(line.p[1]) || !ascii_is_digit(line.p[2]) ||
		r->lines == SMTP_REPLY_LINES_MAX)
		return SMTP_REPLY_BAD;
	bool more = line.n > 3 && line.p[3] == '-';
	if (line.n > 3 && !more && line.p[3] != ' ')
		return SMTP_REPLY_BAD;
	/* RFC 5321 4.2.1: the code is the same on all lines; should it not be, the last one counts. */
	r->code = (unsigned)(line.p[0] - '0') * 100 + (unsigned)(line.p[1] - '0') * 10 + (unsigned)(line.p[2] - '0');
	struct str text = smtp_reply_line_text(line), rest = text;
	struct smtp_status status;
	bool said = smtp_status_take(&rest, &status) && status.class == r->code / 100;
	if (r->lines == 0)
		add_printable(r, str_sub(line, 0, 3));
	else if (said)
		text = rest;                  /* once is enough */
	if (said || r->lines == 0 || r->status.class != r->code / 100)
		r->status = said ? status : smtp_status_of_reply(r->code);
	if (text.n)
		add_printable(r, STR(" "));
	add_printable(r, text);
	r->lines++;
	return more ? SMTP_REPLY_MORE : SMTP_REPLY_DONE;
}
