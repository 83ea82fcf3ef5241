#include "codec/mime/html.h"

#include "base/ascii.h"
#include "base/num.h"
#include "base/utf8.h"

#define ENTITY_MAX 10    /* bytes between & and ; of those that are known */

static const struct {
	const char *name;
	uint32_t codepoint;
} entities[] = {
	{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' }, { "nbsp", 0xa0 },
	{ "copy", 0xa9 }, { "reg", 0xae }, { "shy", 0xad }, { "middot", 0xb7 }, { "laquo", 0xab },
	{ "raquo", 0xbb }, { "euro", 0x20ac }, { "pound", 0xa3 }, { "sect", 0xa7 }, { "deg", 0xb0 },
	{ "trade", 0x2122 }, { "hellip", 0x2026 }, { "ndash", 0x2013 }, { "mdash", 0x2014 }, { "lsquo", 0x2018 },
	{ "rsquo", 0x2019 }, { "ldquo", 0x201c }, { "rdquo", 0x201d }, { "bull", 0x2022 }, { "zwnj", 0x200c },
	{ "zwj", 0x200d }, { "auml", 0xe4 }, { "ouml", 0xf6 }, { "uuml", 0xfc }, { "Auml", 0xc4 },
	{ "Ouml", 0xd6 }, { "Uuml", 0xdc }, { "szlig", 0xdf }, { "eacute", 0xe9 }, { "egrave", 0xe8 },
	{ "agrave", 0xe0 }, { "aacute", 0xe1 }, { "ccedil", 0xe7 }, { "ntilde", 0xf1 }, { "oacute", 0xf3 },
	{ "iacute", 0xed },
};

/* Tags that stand inside words: all others separate them. */
static const char *const inline_tags[] = {
	"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "em", "font", "i", "ins", "kbd", "mark",
	"q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr", NULL,
};

/* Their content is no text. */
static const char *const silent_tags[] = { "head", "script", "style", "title", "template", "noscript", NULL };

static bool is_one_of(struct str name, const char *const *names)
{
	for (; *names; names++)
		if (str_ieq(name, str_from_c(*names)))
			return true;
	return false;
}

/* "&#8364;" and "&#x20ac;", the inside. 0 when it is no number. */
static uint32_t numeric_entity(struct str digits)
{
	uint32_t value = 0;
	if (digits.n > 1 && ascii_lower(digits.p[0]) == 'x') {
		for (size_t i = 1; i < digits.n; i++) {
			int hex = ascii_hex_value((unsigned char)digits.p[i]);
			if (hex < 0 || value > 0x10ffff)
				return 0;
			value = value * 16 + (uint32_t)hex;
		}
	} else if (!num_parse_u32(digits, &value)) {
		return 0;
	}
	return value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff) ? 0xfffd : value;
}

/* At '&': writes the character and returns the length of the reference, or 0. */
static size_t add_entity(struct str s, struct buf *out)
{
	size_t end = str_chr(str_sub(s, 0, ENTITY_MAX + 2), ';');
	if (end == STR_NPOS || end < 2)
		return 0;
	struct str name = str_sub(s, 1, end - 1);
	uint32_t codepoint = name.p[0] == '#' ? numeric_entity(str_from(name, 1)) : 0;
	for (size_t i = 0; !codepoint && i < sizeof(entities) / sizeof(entities[0]); i++)
		if (str_eq(name, str_from_c(entities[i].name)))
			codepoint = entities[i].codepoint;
	if (!codepoint)
		return 0;
	utf8_add(out, codepoint);
	return end + 1;
}

/* At '<': the length of the tag or comment, and its name ("" for comments and declarations; *closing_out for "</").
 * 0 when it is no markup but text. What is not closed goes to the end. */
static size_t tag_length(struct str s, struct str *name_out, bool *closing_out)
{
	*name_out = STR("");
	*closing_out = s.n > 1 && s.p[1] == '/';
	if (str_starts(s, STR("<!--"))) {
		size_t end = str_find(str_from(s, 4), STR("-->"));
		return end == STR_NPOS ? s.n : 4 + end + 3;
	}
	size_t at = *closing_out ? 2 : 1, name = at;
	if (at >= s.n || (!ascii_is_alpha((unsigned char)s.p[at]) && s.p[at] != '!' && s.p[at] != '?'))
		return 0;
	while (at < s.n && ascii_is_alnum((unsigned char)s.p[at]))
		at++;
	*name_out = str_sub(s, name, at - name);
	for (char quote = 0; at < s.n; at++) {
		if (quote) {
			quote = s.p[at] == quote ? 0 : quote;
		} else if (s.p[at] == '>') {
			return at + 1;
		} else if ((s.p[at] == '"' || s.p[at] == '\'') && s.p[at - 1] == '=') {
			quote = s.p[at];
		}
	}
	return s.n;
}

/* After an opening tag whose content is no text: how much to skip, to before its closing tag. */
static size_t silent_length(struct str s, struct str name)
{
	for (size_t at = 0; at < s.n; at += 2) {
		size_t found = str_find(str_from(s, at), STR("</"));
		if (found == STR_NPOS)
			break;
		at += found;
		if (str_istarts(str_from(s, at + 2), name))
			return at;
	}
	return s.n;
}

void mime_html_text(struct str html, struct buf *out)
{
	for (size_t at = 0; at < html.n;) {
		struct str rest = str_from(html, at), name;
		bool closing;
		size_t n = 0;
		if (rest.p[0] == '&') {
			n = add_entity(rest, out);
		} else if (rest.p[0] == '<') {
			n = tag_length(rest, &name, &closing);
			if (n && !is_one_of(name, inline_tags))
				buf_add_char(out, ' ');
			if (n && !closing && is_one_of(name, silent_tags))
				n += silent_length(str_from(rest, n), name);
		}
		if (n == 0)
			buf_add_char(out, rest.p[n++]);
		at += n;
	}
}
