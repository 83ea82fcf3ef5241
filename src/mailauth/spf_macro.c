#include "mailauth/spf_macro.h"

#include "base/ascii.h"
#include "mailauth/limits.h"

#define VALUE_TEXT 64     /* room for 32 nibbles with their dots, which is the longest value that is not a slice */

/* One piece of a macro string: a visible character, or something that begins with '%'. */
struct piece {
	char letter;               /* of "%{x...}", in lower case; 0: `literal` stands for itself */
	bool escape;               /* the letter was in upper case */
	bool reverse;
	unsigned parts;            /* the rightmost to keep; 0: all */
	struct str delimiters;
	struct str literal;
};

/* After "%{". 7.1: macro-letter transformers *delimiter "}" */
static bool read_expand(struct str *rest, struct piece *out)
{
	struct str inside;
	size_t i = 1;
	if (!str_cut(*rest, '}', &inside, rest) || inside.n == 0)
		return false;
	out->letter = (char)ascii_lower((unsigned char)inside.p[0]);
	out->escape = ascii_is_upper((unsigned char)inside.p[0]);
	if (!strchr("slodiphcrtv", out->letter))
		return false;
	bool digits = false;
	for (; i < inside.n && ascii_is_digit((unsigned char)inside.p[i]); i++, digits = true)
		if (out->parts < SPF_EXPANSION_MAX)
			out->parts = out->parts * 10 + (unsigned)(inside.p[i] - '0');
	/* 7.3: "If a DIGIT is specified, the value MUST be nonzero." */
	if (digits && out->parts == 0)
		return false;
	if (i < inside.n && ascii_lower((unsigned char)inside.p[i]) == 'r') {
		out->reverse = true;
		i++;
	}
	out->delimiters = str_from(inside, i);
	for (; i < inside.n; i++)
		if (!inside.p[i] || !strchr(".-+,/_=", inside.p[i]))
			return false;
	return true;
}

/* Takes the next piece off rest, which is not empty. False: 7.3, "a '%' character not followed by a '{', '%', '-', or '_' is a syntax error". */
static bool read_piece(struct str *rest, struct piece *out)
{
	*out = (struct piece){ .literal = str_sub(*rest, 0, 1) };
	if (rest->p[0] != '%') {
		*rest = str_from(*rest, 1);
		return true;
	}
	if (rest->n < 2)
		return false;
	char kind = rest->p[1];
	*rest = str_from(*rest, 2);
	switch (kind) {
	case '{': return read_expand(rest, out);
	case '%': out->literal = STR("%"); return true;
	case '_': out->literal = STR(" "); return true;
	case '-': out->literal = STR("%20"); return true;
	default: return false;
	}
}

/* 7.1: toplabel = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum ) */
static bool is_toplabel(struct str s)
{
	bool only_digits = true;
	if (s.n == 0 || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!ascii_is_alnum((unsigned char)s.p[i]) && s.p[i] != '-')
			return false;
		only_digits = only_digits && ascii_is_digit((unsigned char)s.p[i]);
	}
	return !only_digits;
}

/* 7.1: domain-end = ( "." toplabel [ "." ] ) / macro-expand. tail: the literals after the last macro, or the whole. */
static bool is_domain_end(struct str tail, bool after_macro)
{
	if (tail.n == 0)
		return after_macro;
	if (tail.p[tail.n - 1] == '.')
		tail.n--;
	size_t dot = str_rchr(tail, '.');
	return dot != STR_NPOS && is_toplabel(str_from(tail, dot + 1));
}

bool spf_macro_check(struct str text, enum spf_macro_use use)
{
	struct str rest = text, tail = text;
	bool after_macro = false;
	while (rest.n > 0) {
		bool macro = rest.p[0] == '%';
		unsigned char c = (unsigned char)rest.p[0];
		struct piece piece;
		/* macro-literal is %x21-24 / %x26-7E; 3.1 and 6.2 keep everything to US-ASCII. */
		if (!ascii_is_print(c) || (c == ' ' && use != SPF_MACRO_EXPLANATION) || !read_piece(&rest, &piece))
			return false;
		/* 7.2: "allowed only in exp text". An unknown modifier is ignored, so what it says does not matter. */
		if (use == SPF_MACRO_DOMAIN && piece.letter && strchr("crt", piece.letter))
			return false;
		if (macro) {
			after_macro = true;
			tail = rest;
		}
	}
	return use != SPF_MACRO_DOMAIN || is_domain_end(tail, after_macro);
}

bool spf_macro_has(struct str text, const char *letters)
{
	struct str rest = text;
	struct piece piece;
	while (rest.n > 0 && read_piece(&rest, &piece))
		if (piece.letter && strchr(letters, piece.letter))
			return true;
	return false;
}

/* 7.3: "For IPv6 addresses, the "i" macro expands to a dot-format address". In upper case, as the test suite has it; DNS does not mind. */
static struct str format_dotted(const struct net_addr *ip, char text[VALUE_TEXT])
{
	static const char hex[] = "0123456789ABCDEF";
	char *to = text;
	for (size_t i = 0; i < sizeof(ip->b); i++) {
		*to++ = hex[ip->b[i] >> 4];
		*to++ = '.';
		*to++ = hex[ip->b[i] & 15];
		*to++ = '.';
	}
	return str_make(text, (size_t)(to - text) - 1);
}

/* What a letter stands for; `text` is room for the values that have to be written down. */
static struct str value_of(char letter, const struct spf_macro_values *v, char text[VALUE_TEXT])
{
	bool v4 = net_addr_is_v4(&v->ip);
	switch (letter) {
	case 's': return v->sender;
	case 'l': return v->local;
	case 'o': return v->sender_domain;
	case 'd': return v->domain;
	case 'h': return v->helo;
	case 'p': return v->validated;
	case 'r': return v->receiver;
	case 'v': return v4 ? STR("in-addr") : STR("ip6");
	case 't': return str_make(text, (size_t)snprintf(text, VALUE_TEXT, "%lld", (long long)v->now));
	case 'i':
		if (!v4)
			return format_dotted(&v->ip, text);
		__attribute__((fallthrough));
	default:
		net_addr_format(&v->ip, text);
		return str_from_c(text);
	}
}

/* 7.3: "URL escaping MUST be performed for characters not in the "unreserved" set" of RFC 3986. */
static void add_escaped(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (ascii_is_alnum(c) || (c && strchr("-._~", c)))
			buf_add_char(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

static void add_part(struct buf *out, struct str part, bool first, bool escape)
{
	if (!first)
		buf_add_char(out, '.');
	if (escape)
		add_escaped(out, part);
	else
		buf_add_str(out, part);
}

static bool is_delimiter(struct str delimiters, char c) { return delimiters.n ? str_chr(delimiters, c) != STR_NPOS : c == '.'; }

/* Where the part that ends before `end` begins / ends the part that begins at `at`. */
static size_t part_start(struct str s, struct str delimiters, size_t end)
{
	while (end > 0 && !is_delimiter(delimiters, s.p[end - 1]))
		end--;
	return end;
}

static size_t part_end(struct str s, struct str delimiters, size_t at)
{
	while (at < s.n && !is_delimiter(delimiters, s.p[at]))
		at++;
	return at;
}

/* 7.3: split at every delimiter, reverse, keep the rightmost parts, join with dots. Reversed, the rightmost come last, which are the first of s. */
static void add_split(struct buf *out, struct str s, const struct piece *piece)
{
	size_t total = 1, skip;
	for (size_t i = 0; i < s.n; i++)
		total += is_delimiter(piece->delimiters, s.p[i]);
	skip = piece->parts && piece->parts < total ? total - piece->parts : 0;
	size_t at = piece->reverse ? s.n : 0;
	for (size_t i = 0; i < total; i++) {
		size_t start = piece->reverse ? part_start(s, piece->delimiters, at) : at;
		size_t end = piece->reverse ? at : part_end(s, piece->delimiters, at);
		if (i >= skip)
			add_part(out, str_sub(s, start, end - start), i == skip, piece->escape);
		at = piece->reverse ? start - 1 : end + 1;    /* over the delimiter; not looked at after the last part */
	}
}

void spf_macro_expand(struct str text, const struct spf_macro_values *v, struct buf *out)
{
	struct str rest = text;
	struct piece piece;
	char room[VALUE_TEXT];
	while (rest.n > 0 && read_piece(&rest, &piece)) {
		if (!piece.letter) {
			buf_add_str(out, piece.literal);
			continue;
		}
		struct str value = value_of(piece.letter, v, room);
		if (piece.parts || piece.reverse || piece.delimiters.n)
			add_split(out, value, &piece);
		else
			add_part(out, value, true, piece.escape);
	}
}
