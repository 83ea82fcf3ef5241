#include "base/clock.h"
#include "base/num.h"
#include "cli/mailsource.h"
#include "model/model.h"

/* Takes the last word off a line. */
static struct str last_word(struct str *line)
{
	*line = str_trim(*line);
	size_t space = str_rchr(*line, ' ');
	struct str word = space == STR_NPOS ? *line : str_from(*line, space + 1);

	*line = space == STR_NPOS ? STR_NONE : str_sub(*line, 0, space);
	return word;
}

static bool parse_time(struct str s, uint32_t *h, uint32_t *m, uint32_t *sec)
{
	struct str a, b, c;

	return str_cut(s, ':', &a, &b) && str_cut(b, ':', &b, &c) && num_parse_u32(a, h) && num_parse_u32(b, m) && num_parse_u32(c, sec);
}

int64_t mbox_from_date(struct str line, int64_t fallback)
{
	static const struct str months = STR_INIT("JanFebMarAprMayJunJulAugSepOctNovDec");
	uint32_t year, day, h, m, s;
	struct str word = last_word(&line);

	if (!num_parse_u32(word, &year) || !parse_time(last_word(&line), &h, &m, &s) || !num_parse_u32(last_word(&line), &day))
		return fallback;
	word = last_word(&line);
	size_t month = word.n == 3 ? str_find(months, word) : STR_NPOS;
	if (month == STR_NPOS || month % 3 || year < 1970 || year > 9999 || day < 1 || day > 31 || h > 23 || m > 59 || s > 60)
		return fallback;
	struct civil c = { .year = (int)year, .month = (int)(month / 3 + 1), .day = (int)day, .hour = (int)h, .minute = (int)m, .second = (int)s };
	return civil_to_unix(&c);
}

void mbox_unquote(struct str quoted, struct buf *out)
{
	struct str rest = quoted;

	while (rest.n) {
		size_t lf = str_chr(rest, '\n');
		struct str line = lf == STR_NPOS ? rest : str_sub(rest, 0, lf + 1);
		size_t marks = 0;
		while (marks < line.n && line.p[marks] == '>')
			marks++;
		buf_add_str(out, str_from(line, marks && str_starts(str_from(line, marks), STR("From ")) ? 1 : 0));
		rest = str_from(rest, line.n);
	}
}

static uint64_t letter_flags(struct str letters)
{
	static const struct { char letter; uint64_t flag; } known[] = {
		{ 'R', MESSAGE_SEEN }, { 'A', MESSAGE_ANSWERED }, { 'F', MESSAGE_FLAGGED }, { 'T', MESSAGE_DRAFT }, { 'D', MESSAGE_DELETED } };
	uint64_t flags = 0;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (str_chr(letters, known[i].letter) != STR_NPOS)
			flags |= known[i].flag;
	return flags;
}

uint64_t mbox_status_flags(struct str message)
{
	struct str rest = message, line;
	uint64_t flags = 0;

	while (rest.n) {
		str_cut(rest, '\n', &line, &rest);
		line = str_trim(line);
		if (line.n == 0)
			break;
		if (str_istarts(line, STR("Status:")))
			flags |= letter_flags(str_from(line, 7)) & MESSAGE_SEEN;
		else if (str_istarts(line, STR("X-Status:")))
			flags |= letter_flags(str_from(line, 9)) & ~(uint64_t)MESSAGE_SEEN;
	}
	return flags;
}
