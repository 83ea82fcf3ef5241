#include "codec/smtp/params.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/utf8.h"
#include "codec/smtp/path.h"

const char *smtp_param_body(struct str value, enum smtp_body *out)
{
	static const struct { struct str name; enum smtp_body body; } bodies[] = {
		{ STR_INIT("7BIT"), SMTP_BODY_7BIT }, { STR_INIT("8BITMIME"), SMTP_BODY_8BITMIME }, { STR_INIT("BINARYMIME"), SMTP_BODY_BINARYMIME } };

	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		if (str_ieq(value, bodies[i].name)) {
			*out = bodies[i].body;
			return NULL;
		}
	return "BODY is 7BIT, 8BITMIME or BINARYMIME";
}

const char *smtp_param_size(struct str value, uint64_t *out)
{
	return value.n <= 20 && num_parse_u64(value, out) ? NULL : "bad SIZE";
}

const char *smtp_param_notify(struct str value, unsigned *bits_out)
{
	static const struct { struct str name; unsigned bit; } words[] = {
		{ STR_INIT("NEVER"), SMTP_NOTIFY_NEVER }, { STR_INIT("SUCCESS"), SMTP_NOTIFY_SUCCESS }, { STR_INIT("FAILURE"), SMTP_NOTIFY_FAILURE },
		{ STR_INIT("DELAY"), SMTP_NOTIFY_DELAY } };
	struct str word;
	unsigned bits = 0;

	for (bool more = true; more;) {
		more = str_cut(value, ',', &word, &value);
		unsigned bit = 0;
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			if (str_ieq(word, words[i].name))
				bit = words[i].bit;
		if (!bit)
			return "NOTIFY is NEVER or a list of SUCCESS, FAILURE and DELAY";
		bits |= bit;
	}
	if ((bits & SMTP_NOTIFY_NEVER) && bits != SMTP_NOTIFY_NEVER)
		return "NOTIFY=NEVER stands alone";
	*bits_out = bits;
	return NULL;
}

/* RFC 3461 4.2 and 4.4: what is encoded is graphic or white space of US-ASCII. */
static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_print((unsigned char)s.p[i]) && s.p[i] != '\t')
			return false;
	return true;
}

/* xtext into out, which is left as it was when the text is none or not printable. */
static bool add_printable_xtext(struct str s, struct buf *out)
{
	size_t start = out->n;

	if (smtp_xtext_decode(s, out) && is_printable(str_from(buf_str(out), start)))
		return true;
	out->n = start;
	return false;
}

/* One "{HEX}" of RFC 6533 section 3 at s, as UTF-8 into out; returns the octets used, 0: no such thing. HEXPOINT excludes surrogates, leading zeros and
 * what needs no encoding. */
static size_t embedded_char(struct str s, struct buf *out)
{
	static const struct str ascii[] = { STR_INIT("10"), STR_INIT("20"), STR_INIT("2B"), STR_INIT("3D"), STR_INIT("7F"), STR_INIT("5C") };
	size_t end = str_chr(s, '}');
	uint32_t point = 0;
	bool known = false;

	if (s.n == 0 || s.p[0] != '{' || end == STR_NPOS || end < 3 || end > 7)
		return 0;
	struct str hex = str_sub(s, 1, end - 1);
	for (size_t i = 0; i < hex.n; i++) {
		int digit = ascii_hex_value((unsigned char)hex.p[i]);
		if (digit < 0)
			return 0;
		point = point << 4 | (uint32_t)digit;
	}
	for (size_t i = 0; i < sizeof ascii / sizeof *ascii; i++)
		known |= str_ieq(hex, ascii[i]);
	if (hex.n == 2 && (hex.p[0] == '0' || hex.p[0] == '1') && hex.p[1] >= '1' && hex.p[1] <= '9')
		known = true;
	if (point < 0x80 ? !known : hex.p[0] == '0')
		return 0;
	if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
		return 0;
	utf8_add(out, point);
	return end + 1;
}

/* utf-8-addr-xtext, utf-8-addr-unitext and utf-8-address in one: octets that stand for themselves, and "\x{...}". */
static const char *add_utf8_address(struct str s, bool smtputf8, struct buf *out)
{
	size_t used;

	if (!smtputf8 && !utf8_is_ascii(s))
		return "ORCPT holds UTF-8, which needs SMTPUTF8";
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '\\') {
			if (i + 1 >= s.n || s.p[i + 1] != 'x' || !(used = embedded_char(str_from(s, i + 2), out)))
				return "bad \\x{} in ORCPT";
			i += 1 + used;
		} else if (c <= ' ' || c == '=' || c == 0x7f || (c == '+' && !smtputf8)) {
			return "bad character in ORCPT";
		} else {
			buf_add_char(out, (char)c);
		}
	}
	return s.n && utf8_is_valid(s) ? NULL : "ORCPT is not valid UTF-8";
}

/* Postfix sends UTF-8 as type rfc822, whose addresses would have to be printable ASCII (RFC 3461 4.2). It can mean one thing only. */
static bool add_mistyped_utf8(struct str s, struct buf *out)
{
	size_t start = out->n;

	buf_add_lit(out, "utf-8;");
	bool ok = smtp_xtext_decode(s, out) && utf8_is_valid(buf_str(out));
	for (size_t i = start; ok && i < out->n; i++)
		ok = (unsigned char)out->p[i] >= ' ' && out->p[i] != 0x7f;
	if (!ok)
		out->n = start;
	return ok;
}

static bool is_atom(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alnum((unsigned char)s.p[i]) && !(s.p[i] && strchr("!#$%&'*+-/=?^_`{|}~", s.p[i])))
			return false;
	return s.n > 0;
}

const char *smtp_param_orcpt(struct str value, bool smtputf8, struct buf *out)
{
	struct str type, address;
	size_t start = out->n;
	const char *wrong = NULL;

	if (value.n > SMTP_ORCPT_MAX)
		return "ORCPT is too long";
	if (!str_cut(value, ';', &type, &address) || !is_atom(type))
		return "ORCPT is type;address";
	buf_add_str(out, type);
	buf_add_char(out, ';');
	if (str_ieq(type, STR("utf-8")))
		wrong = add_utf8_address(address, smtputf8, out);
	else if (!add_printable_xtext(address, out))
		wrong = "the address in ORCPT is no xtext of printable characters";
	if (!wrong)
		return NULL;
	out->n = start;
	return smtputf8 && str_ieq(type, STR("rfc822")) && add_mistyped_utf8(address, out) ? NULL : wrong;
}

const char *smtp_param_ret(struct str value, enum smtp_ret *out)
{
	if (!str_ieq(value, STR("FULL")) && !str_ieq(value, STR("HDRS")))
		return "RET is FULL or HDRS";
	*out = str_ieq(value, STR("FULL")) ? SMTP_RET_FULL : SMTP_RET_HDRS;
	return NULL;
}

const char *smtp_param_envid(struct str value, struct buf *out)
{
	if (value.n > SMTP_ENVID_MAX)
		return "ENVID is too long";
	return value.n && add_printable_xtext(value, out) ? NULL : "ENVID is no xtext of printable characters";
}

const char *smtp_param_by(struct str value, struct smtp_by *out)
{
	struct str time, mode;
	uint64_t seconds;

	if (!str_cut(value, ';', &time, &mode))
		return "BY is seconds;mode";
	bool minus = time.n && time.p[0] == '-';
	struct str digits = str_from(time, minus || (time.n && time.p[0] == '+'));
	if (digits.n > 9 || !num_parse_u64(digits, &seconds))
		return "BY has 1 to 9 digits of seconds";
	bool returns = mode.n && ascii_upper(mode.p[0]) == 'R';
	bool trace = mode.n == 2 && ascii_upper(mode.p[1]) == 'T';
	if (mode.n < 1 || mode.n > 2 || (!returns && ascii_upper(mode.p[0]) != 'N') || (mode.n == 2 && !trace))
		return "the mode of BY is N or R, and perhaps T";
	if (returns && (minus || seconds == 0))
		return "BY with mode R needs time";
	*out = (struct smtp_by){ .seconds = minus ? -(int64_t)seconds : (int64_t)seconds, .returns = returns, .trace = trace };
	return NULL;
}

const char *smtp_param_holdfor(struct str value, uint64_t *seconds_out)
{
	if (value.n < 1 || value.n > 9 || value.p[0] == '0' || !num_parse_u64(value, seconds_out))
		return "HOLDFOR is 1 to 999999999 seconds";
	return NULL;
}

/* Digits at a fixed place; -1: none. */
static int digits_at(struct str s, size_t at, size_t n)
{
	uint32_t v;

	return num_parse_u32(str_sub(s, at, n), &v) ? (int)v : -1;
}

const char *smtp_param_holduntil(struct str value, int64_t *unix_out)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";       /* RFC 3339 5.6, in UTC, without fractions */
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	bool right = value.n == sizeof shape - 1;
	for (size_t i = 0; right && i < value.n; i++)
		right = shape[i] == 'd' ? ascii_is_digit(value.p[i]) : ascii_upper(value.p[i]) == shape[i];
	struct civil c = {
		.year = digits_at(value, 0, 4), .month = digits_at(value, 5, 2), .day = digits_at(value, 8, 2),
		.hour = digits_at(value, 11, 2), .minute = digits_at(value, 14, 2), .second = digits_at(value, 17, 2) };
	if (!right || c.month < 1 || c.month > 12 || c.day < 1 || c.hour > 23 || c.minute > 59 || c.second > 60)
		return "HOLDUNTIL is a time like 2026-11-26T09:00:00Z";
	bool leap = (c.year % 4 == 0 && c.year % 100 != 0) || c.year % 400 == 0;
	if (c.day > lengths[c.month - 1] + (c.month == 2 && leap))
		return "HOLDUNTIL names a day that does not exist";
	*unix_out = civil_to_unix(&c);
	return NULL;
}

void smtp_format_utc(struct buf *b, int64_t unix_seconds)
{
	struct civil c = civil_from_unix(unix_seconds);

	buf_printf(b, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour, c.minute, c.second);
}

const char *smtp_param_priority(struct str value, int *out)
{
	bool minus = value.n == 2 && value.p[0] == '-';
	struct str digit = str_from(value, minus);

	if (digit.n != 1 || !ascii_is_digit(digit.p[0]) || (minus && digit.p[0] == '0'))
		return "MT-PRIORITY is -9 to 9";
	*out = (digit.p[0] - '0') * (minus ? -1 : 1);
	return NULL;
}

const char *smtp_param_solicit(struct str value)
{
	struct str word;

	if (value.n > SMTP_SOLICIT_MAX)
		return "SOLICIT is too long";
	for (bool more = true; more;) {
		more = str_cut(value, ',', &word, &value);
		bool right = word.n && ascii_is_alpha(word.p[0]);
		for (size_t i = 0; right && i < word.n; i++)
			right = ascii_is_alnum(word.p[i]) || (word.p[i] && strchr(".-_:", word.p[i]));
		if (!right)
			return "SOLICIT is a list of class keywords";
	}
	return NULL;
}

struct str smtp_solicit_match(struct str given, struct str refused)
{
	struct str word, one;

	while (given.n) {
		str_cut(given, ',', &word, &given);
		for (struct str rest = refused; rest.n;) {
			str_cut(rest, ',', &one, &rest);
			if (str_ieq(word, one))
				return word;
		}
	}
	return STR_NONE;
}
