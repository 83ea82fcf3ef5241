#include "codec/mime/date.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/mime/lex.h"

#define MONTHS 12
#define DAYS 7
static const char month_names[MONTHS][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char day_names[DAYS][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

/* RFC 5322 4.3. The single letters are missing on purpose: their meaning is lost, so they are "-0000". */
static const struct {
	char name[4];
	int minutes;
} zones[] = {
	{ "UT", 0 },      { "GMT", 0 },     { "UTC", 0 },     { "EDT", -240 }, { "EST", -300 }, { "CDT", -300 },
	{ "CST", -360 }, { "MDT", -360 }, { "MST", -420 }, { "PDT", -420 }, { "PST", -480 },
};

/* The index of the name that the word begins with (three letters, case ignored), or -1. */
static int name_index(const char (*names)[4], int count, struct str word)
{
	for (int i = 0; i < count; i++)
		if (str_ieq(str_sub(word, 0, 3), str_from_c(names[i])))
			return i;
	return -1;
}

static struct str take_word(struct mime_lex *l)
{
	const char *start = l->p;
	while (ascii_is_alpha(mime_lex_peek(l)))
		l->p++;
	return str_make(start, (size_t)(l->p - start));
}

/* 1 to max digits. The number of digits, 0 when there is none or too many. */
static int take_number(struct mime_lex *l, int max, int *out)
{
	int digits = 0, value = 0;
	for (; ascii_is_digit(mime_lex_peek(l)); l->p++) {
		if (++digits > max)
			return 0;
		value = value * 10 + (*l->p - '0');
	}
	*out = value;
	return digits;
}

static bool take_char(struct mime_lex *l, int c)
{
	if (mime_lex_peek(l) != c)
		return false;
	l->p++;
	return true;
}

/* Blanks, comments, and the commas, dots and hyphens that mailers put between the pieces of a date. */
static void skip_between(struct mime_lex *l, const char *also)
{
	mime_lex_skip(l, NULL);
	while (mime_lex_peek(l) > 0 && strchr(also, mime_lex_peek(l))) {
		l->p++;
		mime_lex_skip(l, NULL);
	}
}

static bool take_month(struct mime_lex *l, struct civil *c)
{
	int month = name_index(month_names, MONTHS, take_word(l));
	c->month = month + 1;
	return month >= 0;
}

/* RFC 5322 4.3: two digits below 50 are of this century, other two digits and three digits of the last. */
static bool take_year(struct mime_lex *l, struct civil *c)
{
	int digits = take_number(l, 4, &c->year);
	if (digits == 2)
		c->year += c->year < 50 ? 2000 : 1900;
	else if (digits == 3)
		c->year += 1900;
	return digits >= 2 && c->year >= 1900;    /* RFC 5322 3.3 */
}

/* hh:mm[:ss], blanks around the colons (RFC 5322 4.3); fractions of seconds are dropped. */
static bool take_time(struct mime_lex *l, struct civil *c)
{
	int fraction;
	if (!take_number(l, 2, &c->hour))
		return false;
	mime_lex_skip(l, NULL);
	if (!take_char(l, ':'))
		return false;
	mime_lex_skip(l, NULL);
	if (!take_number(l, 2, &c->minute))
		return false;
	mime_lex_skip(l, NULL);
	if (take_char(l, ':')) {
		mime_lex_skip(l, NULL);
		if (!take_number(l, 2, &c->second))
			return false;
		if (take_char(l, '.'))
			take_number(l, 9, &fraction);
	}
	return c->hour <= 23 && c->minute <= 59 && c->second <= 60;
}

static void take_zone(struct mime_lex *l, struct mime_date *out)
{
	int sign = mime_lex_peek(l), value;
	out->zone_minutes = 0;
	out->zone_known = false;
	if (sign == '+' || sign == '-') {
		l->p++;
		if (take_number(l, 4, &value) != 4 || value % 100 > 59)
			return;
		out->zone_minutes = (value / 100 * 60 + value % 100) * (sign == '-' ? -1 : 1);
		out->zone_known = value != 0 || sign == '+';    /* RFC 5322 3.3: -0000 says nothing about the zone */
		return;
	}
	struct str name = take_word(l);
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (str_ieq(name, str_from_c(zones[i].name))) {
			out->zone_minutes = zones[i].minutes;
			out->zone_known = true;
		}
}

static bool is_day_of_month(const struct civil *c)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (c->year % 4 == 0 && c->year % 100 != 0) || c->year % 400 == 0;
	return c->day >= 1 && c->day <= lengths[c->month - 1] + (c->month == 2 && leap);
}

/* After the day name: "Nov 23 18:54:32 [zone] 2026", the order of the C library's asctime. */
static bool take_month_first(struct mime_lex *l, struct civil *c, struct mime_date *out)
{
	if (!take_month(l, c))
		return false;
	skip_between(l, "");
	if (!take_number(l, 2, &c->day))
		return false;
	skip_between(l, ",");
	if (!take_time(l, c))
		return false;
	skip_between(l, "");
	take_zone(l, out);
	skip_between(l, "");
	return take_year(l, c);
}

/* "23 Nov 2026 18:54:32 zone" */
static bool take_day_first(struct mime_lex *l, struct civil *c, struct mime_date *out)
{
	if (!take_number(l, 2, &c->day))
		return false;
	skip_between(l, "-.");
	if (!take_month(l, c))
		return false;
	skip_between(l, "-.,");
	if (!take_year(l, c))
		return false;
	skip_between(l, ",");
	if (!take_time(l, c))
		return false;
	mime_lex_skip(l, NULL);
	take_zone(l, out);
	return true;
}

int mime_date_parse(struct str body, struct mime_date *out)
{
	struct mime_lex l = mime_lex_make(body);
	struct civil c = { 0 };
	struct mime_date date = { 0 };
	mime_lex_skip(&l, NULL);
	struct mime_lex before = l;
	if (name_index(day_names, DAYS, take_word(&l)) >= 0)
		skip_between(&l, ",.");
	else
		l = before;
	bool ok = ascii_is_digit(mime_lex_peek(&l)) ? take_day_first(&l, &c, &date) : take_month_first(&l, &c, &date);
	if (!ok || !is_day_of_month(&c))
		return ERR_INVALID;
	date.unix_seconds = civil_to_unix(&c) - (int64_t)date.zone_minutes * 60;
	*out = date;
	return 0;
}

void mime_date_format(int64_t unix_seconds, int zone_minutes, struct buf *out)
{
	struct civil c = civil_from_unix(unix_seconds + (int64_t)zone_minutes * 60);
	int zone = zone_minutes < 0 ? -zone_minutes : zone_minutes;
	buf_printf(out, "%s, %02d %s %04d %02d:%02d:%02d %c%02d%02d", day_names[c.weekday], c.day, month_names[c.month - 1],
	           c.year, c.hour, c.minute, c.second, zone_minutes < 0 ? '-' : '+', zone / 60, zone % 60);
}
