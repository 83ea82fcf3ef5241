#include "codec/imap/url.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/num.h"
#include "base/utf8.h"

/* The URL while it is read. After the first error every reader returns false. */
struct reader {
	struct str rest;
	struct arena *arena;
	const char *why;
	bool no_memory;
};

static bool fail(struct reader *r, const char *why)
{
	if (!r->why)
		r->why = why;
	return false;
}

static bool take(struct reader *r, struct str word)
{
	if (r->why || !str_istarts(r->rest, word))
		return false;
	r->rest = str_from(r->rest, word.n);
	return true;
}

/* ---- words ---- */

/* RFC 5092 11: achar, and bchar which also has ":", "@" and "/". "%" is looked at when it is decoded. */
static bool is_achar(char c) { return ascii_is_alnum((unsigned char)c) || (c && memchr("-._~!$'()*+,&=%", c, 15)); }
static bool is_bchar(char c) { return is_achar(c) || c == ':' || c == '@' || c == '/'; }

static struct str take_while(struct reader *r, bool (*is)(char))
{
	size_t n = 0;
	while (!r->why && n < r->rest.n && is(r->rest.p[n]))
		n++;
	struct str word = str_sub(r->rest, 0, n);
	r->rest = str_from(r->rest, n);
	return word;
}

/* RFC 3986 2.1. The result is UTF-8 without NUL (RFC 5092 8). */
static bool decode(struct reader *r, struct str word, struct str *out)
{
	*out = word;
	if (str_chr(word, '%') != STR_NPOS) {
		char *to = arena_alloc(r->arena, word.n);
		if (!to) {
			r->no_memory = true;
			return fail(r, "Out of memory");
		}
		*out = (struct str){ to, 0 };
		for (size_t i = 0; i < word.n; i++, out->n++) {
			to[out->n] = word.p[i];
			if (word.p[i] != '%')
				continue;
			int high = i + 2 < word.n ? ascii_hex_value((unsigned char)word.p[i + 1]) : -1;
			int low = i + 2 < word.n ? ascii_hex_value((unsigned char)word.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return fail(r, "A percent sign must be followed by two hexadecimal digits");
			to[out->n] = (char)(high * 16 + low);
			i += 2;
		}
	}
	if (!utf8_is_valid(*out) || str_chr(*out, '\0') != STR_NPOS)
		return fail(r, "What is encoded must be UTF-8");
	return true;
}

static bool word(struct reader *r, bool (*is)(char), const char *missing, struct str *out)
{
	struct str encoded = take_while(r, is);
	return !r->why && (encoded.n || fail(r, missing)) && decode(r, encoded, out);
}

static bool is_digit(char c) { return ascii_is_digit((unsigned char)c); }

static bool number(struct reader *r, uint64_t least, uint64_t most, uint64_t *out)
{
	struct str digits = take_while(r, is_digit);
	if (!r->why && num_parse_u64(digits, out) && *out >= least && *out <= most)
		return true;
	return fail(r, "A number is missing, or out of range");
}

static bool nz_number(struct reader *r, uint32_t *out)
{
	uint64_t n = 0;
	bool ok = number(r, 1, UINT32_MAX, &n);
	*out = (uint32_t)n;
	return ok;
}

/* ---- iserver ---- */

static bool is_host(char c) { return is_achar(c) || c == ':' || c == '[' || c == ']'; }

/* [enc-user [";AUTH=" type] "@"] host [":" port], all before the path. */
static bool server(struct reader *r, struct imap_url *u)
{
	size_t slash = str_chr(r->rest, '/'), at = str_chr(r->rest, '@');
	if (at != STR_NPOS && at < slash) {
		if (r->rest.p[0] != ';' && !word(r, is_achar, "A user name is missing", &u->user))
			return false;
		if (take(r, STR(";AUTH=")) && !word(r, is_achar, "An authentication type is missing", &u->auth))
			return false;
		if (!take(r, STR("@")))
			return fail(r, "A user name has an octet that must be encoded");
	}
	u->host = take_while(r, is_host);
	size_t colon = str_rchr(u->host, ':');
	if (colon != STR_NPOS && str_chr(str_from(u->host, colon), ']') == STR_NPOS) {
		uint64_t port;
		if (!num_parse_u64(str_from(u->host, colon + 1), &port) || port == 0 || port > 65535)
			return fail(r, "The port is no number");
		u->port = (uint32_t)port;
		u->host = str_sub(u->host, 0, colon);
	}
	return u->host.n ? true : fail(r, "The host is missing");
}

/* ---- what is named on it ---- */

/* enc-mailbox; the "/" before a parameter is not part of it. */
static bool mailbox(struct reader *r, struct imap_url *u)
{
	struct str name = take_while(r, is_bchar);
	bool more = r->rest.n && r->rest.p[0] == ';';
	if (more && str_ends(name, STR("/")) && !str_istarts(r->rest, STR(";UIDVALIDITY="))) {
		name.n--;
		r->rest = (struct str){ r->rest.p - 1, r->rest.n + 1 };
	} else if (more && !name.n && !str_istarts(r->rest, STR(";UIDVALIDITY="))) {
		r->rest = (struct str){ r->rest.p - 1, r->rest.n + 1 };        /* "/;UID=1": the "/" of the path serves twice */
	}
	return decode(r, name, &u->mailbox);
}

/* RFC 5092 11: imessagepart without its mailbox. */
static bool message_part(struct reader *r, struct imap_url *u)
{
	if (take(r, STR("/;UID=")) && !nz_number(r, &u->uid))
		return false;
	if (u->uid && take(r, STR("/;SECTION="))) {
		struct str section = take_while(r, is_bchar);
		if (str_ends(section, STR("/")) && str_istarts(r->rest, STR(";PARTIAL="))) {
			section.n--;
			r->rest = (struct str){ r->rest.p - 1, r->rest.n + 1 };
		}
		if (!section.n)
			return fail(r, "The section is missing");
		if (!decode(r, section, &u->section))
			return false;
	}
	if (u->uid && take(r, STR("/;PARTIAL="))) {
		u->partial = true;
		if (!number(r, 0, INT64_MAX, &u->offset))
			return false;
		if (take(r, STR(".")) && !number(r, 1, INT64_MAX, &u->count))
			return false;
	}
	return !r->why;
}

/* ---- URLAUTH ---- */

static bool two(struct reader *r, int *out)
{
	int a = r->rest.n > 1 ? (unsigned char)r->rest.p[0] : 0, b = r->rest.n > 1 ? (unsigned char)r->rest.p[1] : 0;
	if (!ascii_is_digit(a) || !ascii_is_digit(b))
		return fail(r, "A time must be as RFC 3339 has it");
	*out = (a - '0') * 10 + b - '0';
	r->rest = str_from(r->rest, 2);
	return true;
}

static bool mark(struct reader *r, struct str c) { return take(r, c) || fail(r, "A time must be as RFC 3339 has it"); }

static bool zone(struct reader *r, int64_t *seconds_out)
{
	int hours, minutes;
	*seconds_out = 0;
	if (take(r, STR("Z")))
		return true;
	bool west = take(r, STR("-"));
	if (!west && !mark(r, STR("+")))
		return false;
	if (!two(r, &hours) || !mark(r, STR(":")) || !two(r, &minutes) || hours > 23 || minutes > 59)
		return fail(r, "A time zone is wrong");
	*seconds_out = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

/* RFC 3339 5.6 date-time; fractions of a second are passed over. */
static bool date_time(struct reader *r, int64_t *out)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	struct civil c = { 0 };
	int century, year;
	int64_t offset;
	if (!two(r, &century) || !two(r, &year) || !mark(r, STR("-")) || !two(r, &c.month) || !mark(r, STR("-")) || !two(r, &c.day)
		|| !mark(r, STR("T")) || !two(r, &c.hour) || !mark(r, STR(":")) || !two(r, &c.minute) || !mark(r, STR(":")) || !two(r, &c.second))
		return false;
	if (take(r, STR(".")) && !take_while(r, is_digit).n)
		return fail(r, "A time must be as RFC 3339 has it");
	if (!zone(r, &offset))
		return false;
	c.year = century * 100 + year;
	if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > days[c.month - 1] || c.hour > 23 || c.minute > 59 || c.second > 60)
		return fail(r, "There is no such time");
	*out = civil_to_unix(&c) - offset;
	return true;
}

static bool access(struct reader *r, struct imap_url *u)
{
	bool submit = take(r, STR("submit+"));
	if (submit || take(r, STR("user+"))) {
		u->access = submit ? IMAP_URL_SUBMIT : IMAP_URL_USER;
		return word(r, is_achar, "The user who may use it is missing", &u->access_user);
	}
	if (take(r, STR("authuser")))
		u->access = IMAP_URL_AUTHUSER;
	else if (take(r, STR("anonymous")))
		u->access = IMAP_URL_ANONYMOUS;
	else
		return fail(r, "Unknown access identifier");
	return true;
}

static bool is_mechanism(char c) { return ascii_is_alnum((unsigned char)c) || c == '-' || c == '.'; }
static bool is_hex(char c) { return ascii_hex_value((unsigned char)c) >= 0; }

static bool urlauth(struct reader *r, struct imap_url *u)
{
	const char *begin = u->rump.p;
	bool expires = take(r, STR(";EXPIRE="));
	if (expires && !date_time(r, &u->expire))
		return false;
	if (!take(r, STR(";URLAUTH=")))
		return !r->why && (!expires || fail(r, "EXPIRE stands before URLAUTH"));
	if (!u->uid)
		return fail(r, "URLAUTH is for messages");        /* RFC 4467 3 */
	if (!access(r, u))
		return false;
	u->rump = (struct str){ begin, (size_t)(r->rest.p - begin) };
	if (!take(r, STR(":")))
		return true;
	u->mechanism = take_while(r, is_mechanism);
	if (!u->mechanism.n || !take(r, STR(":")))
		return fail(r, "A mechanism and a token must follow");
	u->token = take_while(r, is_hex);
	return u->token.n >= 32 || fail(r, "A token has 32 digits or more");
}

int imap_url_parse(struct str url, struct arena *a, struct imap_url *out, const char **why_out)
{
	struct reader r = { .rest = url, .arena = a };
	*out = (struct imap_url){ .expire = INT64_MAX, .rump = url };
	*why_out = NULL;
	bool ok = url.n <= IMAP_URL_MAX || fail(&r, "It is too long");
	out->absolute = ok && take(&r, STR("imap://"));
	if (ok && out->absolute)
		ok = server(&r, out);
	if (ok && out->absolute && !r.rest.n)
		return 0;
	ok = ok && (take(&r, STR("/")) || fail(&r, "It must begin with imap:// or a slash"));
	ok = ok && (!str_starts(r.rest, STR("/")) || fail(&r, "Its path begins with two slashes"));        /* RFC 5092 7.1 */
	ok = ok && mailbox(&r, out) && !(take(&r, STR(";UIDVALIDITY=")) && !nz_number(&r, &out->uidvalidity));
	if (ok && take(&r, STR("?"))) {
		out->search = true;
		return 0;
	}
	ok = ok && message_part(&r, out) && urlauth(&r, out) && (!r.rest.n || fail(&r, "It ends with what is none of its parts"));
	*why_out = r.why;
	return ok ? 0 : r.no_memory ? ERR_NO_MEMORY : ERR_INVALID;
}
