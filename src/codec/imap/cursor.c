#include "codec/imap/cursor.h"

#include "base/utf8.h"
#include "codec/imap/mutf7.h"
#include "codec/mime/nfc.h"

/* Classes of bytes, RFC 3501 9. */
enum {
	ATOM = 1,        /* ATOM-CHAR */
	ASTRING = 2,     /* ASTRING-CHAR: also "]" */
	LIST = 4,        /* list-char: also "]", "%" and "*" */
	TAG = 8,         /* ASTRING-CHAR but "+" */
};
#define WORD (ATOM | ASTRING | LIST | TAG)
static const uint8_t classes[256] = {
	['!'] = WORD, ['#' ... '$'] = WORD, ['&' ... '\''] = WORD, [',' ... '['] = WORD, ['^' ... 'z'] = WORD, ['|' ... '~'] = WORD,
	['%'] = LIST, ['*'] = LIST,
	[']'] = ASTRING | LIST | TAG,
	['+'] = ATOM | ASTRING | LIST,
};

#define NO_MEMORY_TEXT "Out of memory"

void imap_cursor_init(struct imap_cursor *c, struct str command, struct arena *a, bool utf8)
{
	/* Never a null pointer: p == NULL means NIL in what is read. */
	const char *p = command.p ? command.p : "";
	*c = (struct imap_cursor){ p, p + command.n, NULL, a, utf8 };
}

bool imap_fail(struct imap_cursor *c, const char *error)
{
	if (!c->error)
		c->error = error;
	return false;
}

static size_t left(const struct imap_cursor *c) { return (size_t)(c->end - c->p); }

int imap_peek(const struct imap_cursor *c)
{
	return c->error || c->p == c->end ? -1 : (unsigned char)*c->p;
}

bool imap_take(struct imap_cursor *c, char ch)
{
	if (imap_peek(c) != (unsigned char)ch)
		return false;
	c->p++;
	return true;
}

bool imap_expect(struct imap_cursor *c, char ch, const char *error)
{
	return imap_take(c, ch) || imap_fail(c, error);
}

bool imap_sp(struct imap_cursor *c)
{
	return imap_expect(c, ' ', imap_peek(c) < 0 || imap_peek(c) == '\r' ? "Missing argument" : "A space is missing");
}

bool imap_end(struct imap_cursor *c)
{
	if (c->error)
		return false;
	struct str rest = { c->p, left(c) };
	if (rest.n == 0 || str_eq(rest, STR("\r\n")) || str_eq(rest, STR("\n")))
		return true;
	return imap_fail(c, "Too many arguments");
}

/* ---- words ---- */

static struct str take_class(struct imap_cursor *c, int class)
{
	const char *from = c->p;
	while (c->p < c->end && classes[(unsigned char)*c->p] & class)
		c->p++;
	return (struct str){ from, (size_t)(c->p - from) };
}

bool imap_take_word(struct imap_cursor *c, const char *word)
{
	if (c->error)
		return false;
	const char *from = c->p;
	if (str_ieq(take_class(c, ATOM), str_from_c(word)))
		return true;
	c->p = from;
	return false;
}

static bool take_word(struct imap_cursor *c, int class, const char *error, struct str *out)
{
	if (c->error)
		return false;
	*out = take_class(c, class);
	return out->n ? true : imap_fail(c, error);
}

bool imap_tag(struct imap_cursor *c, struct str *out)
{
	if (!take_word(c, TAG, "Invalid tag", out))
		return false;
	return out->n <= IMAP_TAG_MAX ? true : imap_fail(c, "The tag is too long");
}

bool imap_atom(struct imap_cursor *c, struct str *out) { return take_word(c, ATOM, "An atom is missing", out); }

/* ---- strings ---- */

/* *slashes_out: how many bytes only quote the next one. */
static bool quoted_scan(struct imap_cursor *c, struct str *raw_out, size_t *slashes_out)
{
	const char *from = c->p;
	*slashes_out = 0;
	for (; c->p < c->end && *c->p != '"'; c->p++) {
		if (*c->p == '\r' || *c->p == '\n')
			break;
		if (*c->p == '\0')
			return imap_fail(c, "NUL in a quoted string");
		if (*c->p != '\\')
			continue;
		c->p++;
		if (c->p == c->end || (*c->p != '"' && *c->p != '\\'))
			return imap_fail(c, "A backslash in a quoted string must be followed by a quote or a backslash");
		++*slashes_out;
	}
	*raw_out = (struct str){ from, (size_t)(c->p - from) };
	return imap_expect(c, '"', "A quoted string does not end");
}

/* RFC 3501 9: TEXT-CHAR is 7-bit; RFC 9755 3: UTF-8 once that was enabled. */
static bool quoted_check(struct imap_cursor *c, struct str s)
{
	if (utf8_is_ascii(s))
		return true;
	if (!c->utf8)
		return imap_fail(c, "8-bit data in a quoted string: use a literal, or enable UTF8=ACCEPT");
	return utf8_is_valid(s) ? true : imap_fail(c, "A quoted string is not valid UTF-8");
}

static bool quoted(struct imap_cursor *c, struct str *out)
{
	struct str raw;
	size_t slashes;
	if (!quoted_scan(c, &raw, &slashes) || !quoted_check(c, raw))
		return false;
	*out = raw;
	if (slashes == 0)
		return true;
	char *to = arena_alloc(c->arena, raw.n - slashes);
	if (!to)
		return imap_fail(c, NO_MEMORY_TEXT);
	*out = (struct str){ to, raw.n - slashes };
	for (size_t i = 0; i < raw.n; i++) {
		if (raw.p[i] == '\\')
			i++;
		*to++ = raw.p[i];
	}
	return true;
}

/* After "{": number ["+"] "}" CRLF *CHAR8. */
static bool literal(struct imap_cursor *c, bool binary, struct str *out)
{
	uint64_t n;
	if (!imap_number64(c, &n))
		return false;
	imap_take(c, '+');
	if (!imap_expect(c, '}', "A literal must begin with {number}"))
		return false;
	imap_take(c, '\r');
	if (!imap_expect(c, '\n', "A literal must begin with {number} at the end of a line"))
		return false;
	if (n > left(c))
		return imap_fail(c, "A literal does not end");
	*out = (struct str){ c->p, (size_t)n };
	c->p += n;
	/* RFC 3501 9: CHAR8 has no NUL; RFC 3516 4.4: a literal8 may. */
	if (!binary && memchr(out->p, '\0', out->n))
		return imap_fail(c, "NUL in a literal");
	return true;
}

bool imap_string(struct imap_cursor *c, struct str *out)
{
	if (imap_take(c, '"'))
		return quoted(c, out);
	if (imap_take(c, '{'))
		return literal(c, false, out);
	return imap_fail(c, "A string is missing");
}

bool imap_string8(struct imap_cursor *c, struct str *out, bool *binary_out)
{
	*binary_out = imap_take(c, '~');
	if (!*binary_out)
		return imap_string(c, out);
	return imap_expect(c, '{', "A literal8 must begin with ~{number}") && literal(c, true, out);
}

bool imap_astring(struct imap_cursor *c, struct str *out)
{
	int next = imap_peek(c);
	if (next == '"' || next == '{')
		return imap_string(c, out);
	return take_word(c, ASTRING, "A string is missing", out);
}

bool imap_nstring(struct imap_cursor *c, struct str *out)
{
	if (!imap_take_word(c, "NIL"))
		return imap_string(c, out);
	*out = STR_NONE;
	return true;
}

/* ---- mailbox names ---- */

const char imap_not_utf7[] = "The mailbox name is not valid modified UTF-7";

static bool mailbox_decode(struct imap_cursor *c, struct str raw, struct str *out)
{
	/* RFC 9755 3: after ENABLE UTF8=ACCEPT names are UTF-8 and modified UTF-7 is not used. */
	if (c->utf8) {
		*out = raw;
		return utf8_is_valid(raw) ? true : imap_fail(c, "The mailbox name is not valid UTF-8");
	}
	if (utf8_is_ascii(raw) && str_chr(raw, '&') == STR_NPOS) {
		*out = raw;
		return true;
	}
	struct buf name = BUF_INIT(raw.n * 2 + 1);
	bool ok = imap_mutf7_decode(raw, &name) == 0 || imap_fail(c, imap_not_utf7);
	if (ok)
		*out = arena_dup(c->arena, buf_str(&name));
	if (ok && (name.failed || !out->p))
		ok = imap_fail(c, NO_MEMORY_TEXT);
	buf_fini(&name);
	return ok;
}

bool imap_mailbox(struct imap_cursor *c, struct str *out)
{
	struct str raw;
	if (!imap_astring(c, &raw) || !mailbox_decode(c, raw, out))
		return false;
	if (str_ieq(*out, STR("INBOX")))
		*out = STR("INBOX");
	return true;
}

/* RFC 9051 5.1: names are kept in Normalization Form C, so patterns are compared in it. */
static bool normalize(struct imap_cursor *c, struct str *name)
{
	if (nfc_is(*name))
		return true;
	char room[NFC_INPUT_MAX];
	struct str normal;
	if (nfc_normalize(*name, room, sizeof(room), &normal))
		return imap_fail(c, "The mailbox pattern is too long");
	*name = arena_dup(c->arena, normal);
	return name->p ? true : imap_fail(c, NO_MEMORY_TEXT);
}

bool imap_list_mailbox(struct imap_cursor *c, struct str *out)
{
	struct str raw;
	int next = imap_peek(c);
	bool ok = next == '"' || next == '{' ? imap_string(c, &raw) : take_word(c, LIST, "A mailbox pattern is missing", &raw);
	if (!ok)
		return false;
	if (mailbox_decode(c, raw, out))
		return normalize(c, out);
	/* A pattern of no valid encoding is no error: it matches nothing. */
	if (c->error != imap_not_utf7)
		return false;
	c->error = NULL;
	*out = raw;
	return utf8_is_valid(raw) || imap_fail(c, imap_not_utf7);
}
