#include "codec/imap/format.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/utf8.h"
#include "codec/imap/cursor.h"
#include "codec/imap/mutf7.h"

/* ---- strings ---- */

enum form { FORM_ATOM, FORM_QUOTED, FORM_ESCAPED, FORM_LITERAL, FORM_LITERAL8 };

/* RFC 3501 9: what may stand in an astring as it is. */
static bool is_astring_char(unsigned char c)
{
	return c > ' ' && c < 0x7f && !strchr("(){%*\"\\", c);
}

/* The shortest form that can hold s; FORM_ATOM only when all bytes are astring characters. */
static enum form form_of(struct str s, bool utf8)
{
	enum form form = s.n ? FORM_ATOM : FORM_QUOTED;
	bool eight_bit = false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == 0)
			return FORM_LITERAL8;
		if (c == '\r' || c == '\n')
			form = FORM_LITERAL;
		else if ((c == '"' || c == '\\') && form < FORM_ESCAPED)
			form = FORM_ESCAPED;
		else if (!is_astring_char(c) && form < FORM_QUOTED)
			form = FORM_QUOTED;
		eight_bit |= c > 0x7f;
	}
	return eight_bit && (!utf8 || !utf8_is_valid(s)) ? FORM_LITERAL : form;
}

static void add_literal(struct buf *out, const char *open, struct str s)
{
	buf_add_c(out, open);
	buf_add_u64(out, s.n);
	buf_add_lit(out, "}\r\n");
	buf_add_str(out, s);
}

static void add_escaped(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, s.p[i]);
	}
}

static void add_form(struct buf *out, struct str s, enum form form)
{
	switch (form) {
	case FORM_ATOM:
		buf_add_str(out, s);
		break;
	case FORM_QUOTED:
	case FORM_ESCAPED:
		buf_add_char(out, '"');
		if (form == FORM_QUOTED)
			buf_add_str(out, s);
		else
			add_escaped(out, s);
		buf_add_char(out, '"');
		break;
	case FORM_LITERAL:
		add_literal(out, "{", s);
		break;
	case FORM_LITERAL8:
		add_literal(out, "~{", s);
		break;
	}
}

void imap_format_string(struct buf *out, struct str s, bool utf8)
{
	enum form form = form_of(s, utf8);
	add_form(out, s, form == FORM_ATOM ? FORM_QUOTED : form);
}

void imap_format_nstring(struct buf *out, struct str s, bool utf8)
{
	if (s.p)
		imap_format_string(out, s, utf8);
	else
		buf_add_lit(out, "NIL");
}

void imap_format_astring(struct buf *out, struct str s, bool utf8)
{
	enum form form = form_of(s, utf8);
	/* A client that reads nstrings must not take the name for NIL. */
	add_form(out, s, form == FORM_ATOM && str_ieq(s, STR("NIL")) ? FORM_QUOTED : form);
}

void imap_format_literal(struct buf *out, struct str s) { add_literal(out, "{", s); }

void imap_format_mailbox(struct buf *out, struct str name, bool utf8)
{
	if (utf8) {
		imap_format_astring(out, name, true);
		return;
	}
	struct buf encoded = BUF_INIT(0);
	imap_mutf7_encode(name, &encoded);
	imap_format_astring(out, buf_str(&encoded), false);
	out->failed |= encoded.failed;
	buf_fini(&encoded);
}

void imap_format_text(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_add_char(out, ascii_is_print((unsigned char)s.p[i]) ? s.p[i] : '?');
}

/* ---- message attributes ---- */

void imap_format_flags(struct buf *out, uint64_t flags, bool recent, const struct str *keyword, unsigned keyword_count)
{
	static const struct { enum imap_flag flag; struct str name; } system[] = {
		{ IMAP_ANSWERED, STR_INIT("\\Answered ") }, { IMAP_FLAGGED, STR_INIT("\\Flagged ") },
		{ IMAP_DELETED, STR_INIT("\\Deleted ") }, { IMAP_SEEN, STR_INIT("\\Seen ") }, { IMAP_DRAFT, STR_INIT("\\Draft ") },
	};
	buf_add_char(out, '(');
	size_t empty = out->n;
	for (size_t i = 0; i < sizeof(system) / sizeof(system[0]); i++)
		if (flags & system[i].flag)
			buf_add_str(out, system[i].name);
	if (recent)
		buf_add_lit(out, "\\Recent ");
	uint64_t keywords = flags >> IMAP_KEYWORD_SHIFT;
	for (unsigned i = 0; keywords && i < keyword_count; i++, keywords >>= 1) {
		if (!(keywords & 1) || !keyword[i].n)
			continue;
		buf_add_str(out, keyword[i]);
		buf_add_char(out, ' ');
	}
	if (out->n > empty && !out->failed)
		out->n--;
	buf_add_char(out, ')');
}

static void two_digits(char *to, int v)
{
	to[0] = (char)('0' + v / 10);
	to[1] = (char)('0' + v % 10);
}

void imap_format_internaldate(struct buf *out, int64_t unix_seconds)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	/* Four digits of the year are all the syntax has. */
	static const int64_t year_0 = -62167219200, year_9999 = 253402300799;
	int64_t t = unix_seconds < year_0 ? year_0 : unix_seconds > year_9999 ? year_9999 : unix_seconds;
	struct civil c = civil_from_unix(t);
	char *to = buf_reserve(out, sizeof("\"17-Jul-1996 02:44:25 +0000\"") - 1);
	if (!to)
		return;
	memcpy(to, "\"17-Jul-1996 02:44:25 +0000\"", 28);
	two_digits(to + 1, c.day);
	memcpy(to + 4, months + 3 * (c.month - 1), 3);
	two_digits(to + 8, c.year / 100);
	two_digits(to + 10, c.year % 100);
	two_digits(to + 13, c.hour);
	two_digits(to + 16, c.minute);
	two_digits(to + 19, c.second);
	out->n += 28;
}
