/* The numbers, times and flags of a command. */
#include "codec/imap/cursor.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/num.h"

#define NUMBER63_MAX ((uint64_t)INT64_MAX)
#define DAY_SECONDS 86400

static struct str digits(struct imap_cursor *c, size_t max)
{
	const char *from = c->p;
	while (ascii_is_digit(imap_peek(c)) && (size_t)(c->p - from) < max)
		c->p++;
	return (struct str){ from, (size_t)(c->p - from) };
}

bool imap_number(struct imap_cursor *c, uint32_t *out)
{
	struct str s = digits(c, SIZE_MAX);
	if (s.n == 0)
		return imap_fail(c, "A number is missing");
	return num_parse_u32(s, out) ? true : imap_fail(c, "A number is too large");
}

bool imap_nz_number(struct imap_cursor *c, uint32_t *out)
{
	/* nz-number = digit-nz *DIGIT: no zero, and none in front. */
	if (imap_peek(c) == '0')
		return imap_fail(c, "A number must begin with 1 to 9");
	return imap_number(c, out);
}

bool imap_number64(struct imap_cursor *c, uint64_t *out)
{
	struct str s = digits(c, SIZE_MAX);
	if (s.n == 0)
		return imap_fail(c, "A number is missing");
	return num_parse_u64(s, out) && *out <= NUMBER63_MAX ? true : imap_fail(c, "A number is too large");
}

/* ---- times ---- */

static const char *const invalid_date = "Invalid date";

static bool fixed(struct imap_cursor *c, size_t min, size_t max, int *out)
{
	struct str s = digits(c, max);
	uint32_t v;
	if (s.n < min || !num_parse_u32(s, &v))
		return imap_fail(c, invalid_date);
	*out = (int)v;
	return true;
}

static bool month(struct imap_cursor *c, int *out)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct str word;
	if (c->error || c->end - c->p < 3)
		return imap_fail(c, invalid_date);
	word = (struct str){ c->p, 3 };
	for (int i = 0; i < 12; i++) {
		if (str_ieq(word, str_make(names + 3 * i, 3))) {
			c->p += 3;
			*out = i + 1;
			return true;
		}
	}
	return imap_fail(c, invalid_date);
}

static int days_in_month(int year, int m)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[m - 1] + (m == 2 && leap);
}

/* "-" date-month "-" date-year, and the day, read before, must exist. */
static bool month_and_year(struct imap_cursor *c, struct civil *t)
{
	if (!imap_expect(c, '-', invalid_date) || !month(c, &t->month) || !imap_expect(c, '-', invalid_date) ||
	    !fixed(c, 4, 4, &t->year))
		return false;
	return t->day >= 1 && t->day <= days_in_month(t->year, t->month) ? true : imap_fail(c, invalid_date);
}

bool imap_date(struct imap_cursor *c, int64_t *day_out)
{
	struct civil t = { 0 };
	bool quoted = imap_take(c, '"');
	if (!fixed(c, 1, 2, &t.day) || !month_and_year(c, &t) || (quoted && !imap_expect(c, '"', invalid_date)))
		return false;
	int64_t seconds = civil_to_unix(&t);
	*day_out = seconds >= 0 ? seconds / DAY_SECONDS : -((-seconds) / DAY_SECONDS);
	return true;
}

static bool time_of_day(struct imap_cursor *c, struct civil *t)
{
	if (!fixed(c, 2, 2, &t->hour) || !imap_expect(c, ':', invalid_date) || !fixed(c, 2, 2, &t->minute) ||
	    !imap_expect(c, ':', invalid_date) || !fixed(c, 2, 2, &t->second))
		return false;
	/* RFC 5322 3.3: 60 is a leap second. */
	return t->hour < 24 && t->minute < 60 && t->second <= 60 ? true : imap_fail(c, invalid_date);
}

static bool zone(struct imap_cursor *c, int *seconds_out)
{
	bool west = imap_take(c, '-');
	int hours = 0, minutes;
	if ((!west && !imap_expect(c, '+', invalid_date)) || !fixed(c, 4, 4, &hours))
		return false;
	minutes = hours % 100;
	hours /= 100;
	if (hours > 23 || minutes > 59)
		return imap_fail(c, invalid_date);
	*seconds_out = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

bool imap_date_time(struct imap_cursor *c, int64_t *unix_out)
{
	struct civil t = { 0 };
	int offset = 0;
	if (!imap_expect(c, '"', invalid_date))
		return false;
	/* date-day-fixed = (SP DIGIT) / 2DIGIT */
	size_t day_digits = imap_take(c, ' ') ? 1 : 2;
	if (!fixed(c, day_digits, day_digits, &t.day) || !month_and_year(c, &t) || !imap_expect(c, ' ', invalid_date) ||
	    !time_of_day(c, &t) || !imap_expect(c, ' ', invalid_date) || !zone(c, &offset) ||
	    !imap_expect(c, '"', invalid_date))
		return false;
	*unix_out = civil_to_unix(&t) - offset;
	return true;
}

/* ---- flags ---- */

static bool system_flag(struct imap_cursor *c, struct imap_flags *f)
{
	static const struct { const char *name; enum imap_flag flag; } known[] = {
		{ "Seen", IMAP_SEEN }, { "Answered", IMAP_ANSWERED }, { "Flagged", IMAP_FLAGGED },
		{ "Deleted", IMAP_DELETED }, { "Draft", IMAP_DRAFT },
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (imap_take_word(c, known[i].name)) {
			f->system |= known[i].flag;
			return true;
		}
	}
	if (imap_take_word(c, "Recent"))
		return imap_fail(c, "\\Recent cannot be changed by a client");
	return imap_fail(c, "Unknown system flag");
}

static bool keyword(struct imap_cursor *c, struct imap_flags *f)
{
	struct str name;
	if (!imap_atom(c, &name))
		return false;
	for (size_t i = 0; i < f->keyword_count; i++)
		if (str_ieq(f->keyword[i], name))
			return true;
	if (f->keyword_count == IMAP_FLAGS_MAX)
		return imap_fail(c, "Too many flags");
	if (!f->keyword && !(f->keyword = arena_array(c->arena, IMAP_FLAGS_MAX, sizeof(*f->keyword))))
		return imap_fail(c, "Out of memory");
	f->keyword[f->keyword_count++] = name;
	return true;
}

static bool flags(struct imap_cursor *c, struct imap_flags *f)
{
	do {
		if (!(imap_take(c, '\\') ? system_flag(c, f) : keyword(c, f)))
			return false;
	} while (imap_take(c, ' '));
	return true;
}

bool imap_flag_list(struct imap_cursor *c, struct imap_flags *out)
{
	*out = (struct imap_flags){ 0 };
	if (!imap_expect(c, '(', "A flag list must begin with a parenthesis"))
		return false;
	if (imap_take(c, ')'))
		return true;
	return flags(c, out) && imap_expect(c, ')', "A flag list must end with a parenthesis");
}

bool imap_store_flags(struct imap_cursor *c, struct imap_flags *out)
{
	if (imap_peek(c) == '(')
		return imap_flag_list(c, out);
	*out = (struct imap_flags){ 0 };
	return flags(c, out);
}
