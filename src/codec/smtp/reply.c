#include "codec/smtp/reply.h"

#include "base/ascii.h"

void smtp_reply_begin(struct smtp_reply *r)
{
	r->code = 0;
	r->lines = 0;
	r->status[0] = '\0';
	r->text_n = 0;
}

/* RFC 2034 4: class "." 1*3digit "." 1*3digit, at the start of the text. Its length, or 0. */
static size_t status_length(struct str text)
{
	size_t at = 1, digits;

	if (text.n < 5 || !ascii_is_digit(text.p[0]))
		return 0;
	for (int part = 0; part < 2; part++) {
		if (at >= text.n || text.p[at++] != '.')
			return 0;
		for (digits = 0; digits < 3 && at < text.n && ascii_is_digit(text.p[at]); digits++)
			at++;
		if (digits == 0)
			return 0;
	}
	return at == text.n || text.p[at] == ' ' ? at : 0;
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
	struct str text = smtp_reply_line_text(line);
	size_t n = status_length(text);
	bool fits = n && n < sizeof r->status && text.p[0] == line.p[0];
	if (r->lines == 0) {
		add_printable(r, str_sub(line, 0, 3));
	} else if (fits && str_eq(str_sub(text, 0, n), str_from_c(r->status))) {
		text = str_trim(str_from(text, n));        /* said once is enough */
	}
	if (fits)
		str_copy_c(r->status, sizeof r->status, str_sub(str_from(line, 4), 0, n));
	if (text.n)
		add_printable(r, STR(" "));
	add_printable(r, text);
	r->lines++;
	return more ? SMTP_REPLY_MORE : SMTP_REPLY_DONE;
}

struct str smtp_reply_status(const struct smtp_reply *r)
{
	static const struct str by_class[] = { STR_INIT("4.0.0"), STR_INIT("4.0.0"), STR_INIT("2.0.0"), STR_INIT("4.0.0"), STR_INIT("4.0.0"), STR_INIT("5.0.0") };
	unsigned class = r->code / 100;

	/* The class of the reply code is what counts (RFC 5321 4.3.2); a first line of another class is forgotten. */
	if (r->status[0] && (unsigned)(r->status[0] - '0') == class)
		return str_from_c(r->status);
	return by_class[class < 6 ? class : 0];
}
