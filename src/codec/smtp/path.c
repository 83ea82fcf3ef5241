#include "codec/smtp/path.h"

#include "base/ascii.h"
#include "base/utf8.h"

#include <arpa/inet.h>

/* RFC 5322 3.2.3 atext; UTF-8 is let through here and checked as a whole (RFC 6531 3.3). */
static bool is_atext(unsigned char c)
{
	return ascii_is_alnum(c) || c >= 0x80 || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_domain_char(unsigned char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '_' || c >= 0x80;
}

/* Labels of 1 to 63 octets that neither begin nor end with a hyphen. */
static bool domain_is_valid(struct str d)
{
	struct str label;

	if (d.n == 0 || d.n > SMTP_DOMAIN_MAX)
		return false;
	for (bool more = true; more;) {
		more = str_cut(d, '.', &label, &d);
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_domain_char((unsigned char)label.p[i]))
				return false;
	}
	return true;
}

bool smtp_literal_is_valid(struct str s)
{
	char text[64];
	unsigned char address[16];

	if (s.n < 3 || s.p[0] != '[' || s.p[s.n - 1] != ']')
		return false;
	struct str inner = str_sub(s, 1, s.n - 2);
	bool six = str_istarts(inner, STR("IPv6:"));
	if (six)
		inner = str_from(inner, 5);
	return str_copy_c(text, sizeof text, inner) && inet_pton(six ? AF_INET6 : AF_INET, text, address) == 1;
}

bool smtp_helo_is_valid(struct str s)
{
	if (s.n && s.p[0] == '[')
		return smtp_literal_is_valid(s);
	return domain_is_valid(s.n > 1 && s.p[s.n - 1] == '.' ? str_sub(s, 0, s.n - 1) : s) && utf8_is_valid(s);
}

/* Quoted-string local part; *i stands on the quote and ends behind the closing one. */
static const char *parse_quoted_local(struct str s, size_t *i, struct smtp_path *out)
{
	for (++*i; *i < s.n; ++*i) {
		unsigned char c = (unsigned char)s.p[*i];
		if (c == '"') {
			++*i;
			return NULL;
		}
		if (c == '\\' && ++*i < s.n)
			c = (unsigned char)s.p[*i];
		if (c < 0x20 || c == 0x7f)
			return "control character in the local part";
		if (out->local_n == SMTP_LOCAL_MAX)
			return "local part too long";
		out->local[out->local_n++] = (char)c;
	}
	return "quoted local part without an end";
}

static const char *parse_dot_local(struct str s, size_t *i, struct smtp_path *out)
{
	bool dot = true;      /* an atom must follow */

	for (; *i < s.n; ++*i) {
		unsigned char c = (unsigned char)s.p[*i];
		if (c == '.' ? dot : !is_atext(c))
			break;
		dot = c == '.';
		if (out->local_n == SMTP_LOCAL_MAX)
			return "local part too long";
		out->local[out->local_n++] = (char)c;
	}
	return dot ? "bad local part" : NULL;
}

/* "@one,@two:" before the mailbox is accepted and ignored. */
static size_t route_length(struct str s, size_t i)
{
	if (i >= s.n || s.p[i] != '@')
		return 0;
	for (size_t j = i; j < s.n && s.p[j] != '>'; j++)
		if (s.p[j] == ':')
			return j + 1 - i;
	return 0;
}

static const char *parse_domain(struct str s, size_t *i, struct smtp_path *out)
{
	size_t start = *i;

	if (*i < s.n && s.p[*i] == '[') {
		while (*i < s.n && s.p[*i] != ']')
			++*i;
		*i += *i < s.n;
		out->domain = str_sub(s, start, *i - start);
		out->literal = true;
		return smtp_literal_is_valid(out->domain) ? NULL : "bad address literal";
	}
	while (*i < s.n && (s.p[*i] == '.' || is_domain_char((unsigned char)s.p[*i])))
		++*i;
	out->domain = str_sub(s, start, *i - start);
	return domain_is_valid(out->domain) ? NULL : "bad domain";
}

static const char *parse_mailbox(struct str s, size_t *i, struct smtp_path *out)
{
	size_t start = *i;
	const char *wrong = *i < s.n && s.p[*i] == '"' ? parse_quoted_local(s, i, out) : parse_dot_local(s, i, out);

	if (wrong)
		return wrong;
	/* RFC 5321 4.1.1.3: "<Postmaster>" needs no domain. */
	if (*i < s.n && s.p[*i] == '>' && str_ieq(str_make(out->local, out->local_n), STR("postmaster"))) {
		out->postmaster = true;
		out->wire = str_sub(s, start, *i - start);
		return NULL;
	}
	if (*i >= s.n || s.p[*i] != '@')
		return "no @ and domain";
	++*i;
	if ((wrong = parse_domain(s, i, out)))
		return wrong;
	out->wire = str_sub(s, start, *i - start);
	out->utf8 = !utf8_is_ascii(out->wire);
	if (out->utf8 && !utf8_is_valid(out->wire))
		return "not valid UTF-8";
	return out->wire.n > SMTP_PATH_MAX ? "path too long" : NULL;
}

const char *smtp_path_parse(struct str s, struct smtp_path *out, size_t *used_out)
{
	size_t i = 1;

	memset(out, 0, sizeof *out);
	*used_out = 0;
	if (s.n == 0 || s.p[0] != '<')
		return "no angle bracket";
	if (s.n > 1 && s.p[1] == '>') {
		out->null = true;
	} else {
		i += route_length(s, i);
		const char *wrong = parse_mailbox(s, &i, out);
		if (wrong)
			return wrong;
	}
	if (i >= s.n || s.p[i] != '>')
		return "no closing angle bracket";
	*used_out = i + 1;
	return NULL;
}

void smtp_path_address(const struct smtp_path *p, struct buf *b)
{
	buf_add(b, p->local, p->local_n);
	if (p->domain.n) {
		buf_add_char(b, '@');
		buf_add_str(b, p->domain);
	}
}

bool smtp_param_next(struct str *rest, struct str *key_out, struct str *value_out, bool *bad_out)
{
	size_t i = 0, start = 0;

	*bad_out = false;
	*value_out = STR_NONE;
	while (start < rest->n && rest->p[start] == ' ')
		start++;
	if (start == rest->n)
		return false;
	struct str s = str_from(*rest, start);
	while (i < s.n && (ascii_is_alnum(s.p[i]) || (i && s.p[i] == '-')))
		i++;
	*key_out = str_sub(s, 0, i);
	*bad_out = i == 0 || (i < s.n && s.p[i] != '=' && s.p[i] != ' ');
	if (!*bad_out && i < s.n && s.p[i] == '=') {
		size_t from = ++i;
		/* esmtp-value: printable except "=" and SP; MAIL's AUTH= carries "=" only as xtext. RFC 6531 adds UTF-8. */
		while (i < s.n && (unsigned char)s.p[i] > 0x20 && s.p[i] != '=' && s.p[i] != 0x7f)
			i++;
		*value_out = str_sub(s, from, i - from);
		*bad_out = i == from || (i < s.n && s.p[i] != ' ');
	}
	*rest = str_from(s, i);
	return !*bad_out;
}

static int upper_hex(unsigned char c)
{
	return ascii_is_lower(c) ? -1 : ascii_hex_value(c);
}

bool smtp_xtext_decode(struct str s, struct buf *b)
{
	size_t start = b->n;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '+') {
			int hi = i + 1 < s.n ? upper_hex((unsigned char)s.p[i + 1]) : -1;
			int lo = i + 2 < s.n ? upper_hex((unsigned char)s.p[i + 2]) : -1;
			if (hi < 0 || lo < 0) {
				b->n = start;
				return false;
			}
			buf_add_char(b, (char)(hi << 4 | lo));
			i += 2;
		} else if (c < '!' || c > '~' || c == '=') {
			b->n = start;
			return false;
		} else {
			buf_add_char(b, (char)c);
		}
	}
	return true;
}

void smtp_xtext_encode(struct str s, struct buf *b)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < '!' || c > '~' || c == '+' || c == '=')
			buf_printf(b, "+%02X", c);
		else
			buf_add_char(b, (char)c);
	}
}
