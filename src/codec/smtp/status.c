#include "codec/smtp/status.h"

#include "base/ascii.h"
#include "base/num.h"

/* RFC 3463 2: 1*3digit; no leading zeros. */
static bool parse_part(struct str s, unsigned short *out)
{
	uint32_t v;

	if (s.n == 0 || s.n > 3 || (s.n > 1 && s.p[0] == '0') || !num_parse_u32(s, &v))
		return false;
	*out = (unsigned short)v;
	return true;
}

bool smtp_status_parse(struct str s, struct smtp_status *out)
{
	struct str class, subject, detail;
	struct smtp_status r;

	if (!str_cut(s, '.', &class, &s) || !str_cut(s, '.', &subject, &detail))
		return false;
	if (class.n != 1 || (class.p[0] != '2' && class.p[0] != '4' && class.p[0] != '5'))
		return false;
	r.class = (unsigned char)(class.p[0] - '0');
	if (!parse_part(subject, &r.subject) || !parse_part(detail, &r.detail))
		return false;
	*out = r;
	return true;
}

bool smtp_status_take(struct str *text, struct smtp_status *out)
{
	size_t n = 0;

	while (n < text->n && (ascii_is_digit((unsigned char)text->p[n]) || text->p[n] == '.'))
		n++;
	if (n < text->n && text->p[n] != ' ' && text->p[n] != '\r' && text->p[n] != '\n')
		return false;
	if (!smtp_status_parse(str_sub(*text, 0, n), out))
		return false;
	*text = str_from(*text, n < text->n && text->p[n] == ' ' ? n + 1 : n);
	return true;
}

struct smtp_status smtp_status_of_reply(unsigned code)
{
	static const struct { unsigned short code; struct smtp_status status; } known[] = {
		{ 252, { 2, 5, 0 } }, { 421, { 4, 3, 2 } }, { 450, { 4, 2, 0 } }, { 451, { 4, 3, 0 } }, { 452, { 4, 3, 1 } }, { 454, { 4, 7, 0 } }, { 500, { 5, 5, 1 } },
		{ 501, { 5, 5, 4 } }, { 502, { 5, 5, 1 } }, { 503, { 5, 5, 1 } }, { 504, { 5, 5, 4 } }, { 521, { 5, 3, 2 } }, { 530, { 5, 7, 0 } },
		{ 535, { 5, 7, 8 } }, { 551, { 5, 1, 6 } }, { 552, { 5, 2, 2 } }, { 553, { 5, 1, 3 } }, { 555, { 5, 5, 4 } }, { 556, { 5, 1, 10 } },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].code == code)
			return known[i].status;
	return (struct smtp_status){ code >= 500 ? 5 : code >= 400 ? 4 : 2, 0, 0 };
}

struct smtp_status smtp_status_of_text(unsigned code, struct str text)
{
	struct smtp_status s;

	return smtp_status_take(&text, &s) && s.class == code / 100 ? s : smtp_status_of_reply(code);
}

size_t smtp_status_format(struct smtp_status s, char out[SMTP_STATUS_TEXT_MAX])
{
	int n = snprintf(out, SMTP_STATUS_TEXT_MAX, "%u.%u.%u", s.class % 10u, s.subject % 1000u, s.detail % 1000u);

	return n > 0 ? (size_t)n : 0;
}
