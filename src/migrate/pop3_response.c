#include "migrate/pop3_response.h"

#include "base/ascii.h"
#include "base/num.h"

enum pop3_status pop3_response_status(struct str line, struct str *code_out, struct str *text_out)
{
	static const struct { struct str word; enum pop3_status status; } known[] = {
		{ STR_INIT("+OK"), POP3_OK }, { STR_INIT("-ERR"), POP3_ERR }, { STR_INIT("+"), POP3_CONTINUE } };
	struct str word, rest, code;

	*code_out = *text_out = STR_NONE;
	str_cut(line, ' ', &word, &rest);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!str_ieq(word, known[i].word))
			continue;
		*text_out = str_trim(rest);
		if (known[i].status == POP3_ERR && str_starts(*text_out, STR("[")) && str_cut(str_from(*text_out, 1), ']', &code, &rest)) {
			*code_out = code;
			*text_out = str_trim(rest);
		}
		return known[i].status;
	}
	return POP3_BAD;
}

bool pop3_response_listing(struct str line, uint32_t *number_out, struct str *word_out)
{
	struct str number, rest, more;

	str_cut(str_trim(line), ' ', &number, &rest);
	if (!num_parse_u32(number, number_out) || *number_out == 0)
		return false;
	str_cut(str_trim(rest), ' ', word_out, &more);
	return word_out->n > 0;
}

bool pop3_response_line(struct str line, struct str *text_out)
{
	*text_out = line;
	if (!str_starts(line, STR(".")))
		return true;
	*text_out = str_from(line, 1);
	return line.n > 1;
}

bool pop3_response_timestamp(struct str greeting, struct str *out)
{
	size_t open = str_chr(greeting, '<');
	if (open == STR_NPOS)
		return false;
	*out = str_from(greeting, open);
	size_t close = str_chr(*out, '>'), at = str_chr(*out, '@');
	if (close == STR_NPOS || at == STR_NPOS || at > close)
		return false;
	out->n = close + 1;
	for (size_t i = 0; i < out->n; i++)
		if (!ascii_is_print((unsigned char)out->p[i]) || out->p[i] == ' ')
			return false;
	return true;
}

unsigned pop3_response_capability(struct str line)
{
	static const struct { const char *word; unsigned bit; } known[] = {
		{ "STLS", POP3_CAP_STLS }, { "UIDL", POP3_CAP_UIDL }, { "PIPELINING", POP3_CAP_PIPELINING }, { "USER", POP3_CAP_USER } };
	struct str word, rest;
	unsigned bits = 0;

	str_cut(str_trim(line), ' ', &word, &rest);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (str_ieq(word, str_from_c(known[i].word)))
			bits |= known[i].bit;
	if (!str_ieq(word, STR("SASL")))
		return bits;
	for (bool more = rest.n > 0; more;) {
		more = str_cut(rest, ' ', &word, &rest);
		if (str_ieq(word, STR("PLAIN")))
			bits |= POP3_CAP_PLAIN;
		else if (str_ieq(word, STR("XOAUTH2")))
			bits |= POP3_CAP_XOAUTH2;
	}
	return bits;
}
