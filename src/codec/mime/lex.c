#include "codec/mime/lex.h"

#include "base/ascii.h"

static bool is_white(int c) { return ascii_is_blank(c) || c == '\r' || c == '\n'; }

/* At '(' : the index of its closing parenthesis from there, or 0. RFC 5322 3.2.2: comments nest. */
static size_t comment_length(const char *p, const char *end)
{
	size_t depth = 0;
	for (const char *q = p; q < end; q++) {
		if (*q == '\\' && q + 1 < end)
			q++;
		else if (*q == '(')
			depth++;
		else if (*q == ')' && --depth == 0)
			return (size_t)(q - p);
	}
	return 0;
}

bool mime_lex_skip(struct mime_lex *l, struct str *comment_out)
{
	const char *start = l->p;
	for (;;) {
		while (l->p < l->end && is_white(*l->p))
			l->p++;
		if (mime_lex_peek(l) != '(' || l->comments_off)
			break;
		size_t n = comment_length(l->p, l->end);
		if (n == 0) {
			l->comments_off = true;
			break;
		}
		if (comment_out)
			*comment_out = str_make(l->p + 1, n - 1);
		l->p += n + 1;
	}
	return l->p > start;
}

bool mime_lex_quoted(struct mime_lex *l, struct str *inside_out)
{
	if (mime_lex_peek(l) != '"' || l->quotes_off)
		return false;
	for (const char *q = l->p + 1; q < l->end; q++) {
		if (*q == '\\' && q + 1 < l->end) {
			q++;
		} else if (*q == '"') {
			*inside_out = str_make(l->p + 1, (size_t)(q - l->p - 1));
			l->p = q + 1;
			return true;
		}
	}
	l->quotes_off = true;
	return false;
}

struct str mime_lex_until(struct mime_lex *l, const char *stops)
{
	const char *start = l->p;
	while (l->p < l->end && !is_white(*l->p) && (*l->p == '\0' || !strchr(stops, *l->p)))
		l->p++;
	return str_make(start, (size_t)(l->p - start));
}

bool mime_lex_is_quoted(struct str s)
{
	return str_chr(s, '\\') != STR_NPOS || str_chr(s, '\r') != STR_NPOS || str_chr(s, '\n') != STR_NPOS ||
	       str_chr(s, '\0') != STR_NPOS;
}

size_t mime_lex_unquote(struct str s, char *to)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		if (s.p[i] != '\r' && s.p[i] != '\n')
			to[n++] = s.p[i] ? s.p[i] : ' ';
	}
	return n;
}
