#include "mailauth/dkim_canon.h"

#include "base/ascii.h"

static const struct str CRLF = STR_INIT("\r\n");

/* ---- header: 3.4.1, 3.4.2 ---- */

/* A line end inside a field is always one of folding. */
static size_t line_end_at(struct str s, size_t i) { return str_starts(str_from(s, i), CRLF) ? CRLF.n : 0; }

static void relax_value(struct str value, struct buf *out)
{
	bool blank = false, begun = false;
	size_t i = 0;
	while (i < value.n) {
		size_t run = i;
		while (i < value.n && !ascii_is_blank(value.p[i]) && !(value.p[i] == '\r' && line_end_at(value, i)))
			i++;
		if (i > run) {
			if (blank && begun)
				buf_add_char(out, ' ');
			buf_add(out, value.p + run, i - run);
			blank = false;
			begun = true;
		} else if (ascii_is_blank(value.p[i])) {
			blank = true;
			i++;
		} else {
			i += line_end_at(value, i);
		}
	}
}

void dkim_canon_field(enum dkim_canon how, struct str raw, struct buf *out)
{
	if (how == DKIM_SIMPLE) {
		buf_add_str(out, raw);
		return;
	}
	struct str name, value;
	bool ended = str_ends(raw, CRLF);
	if (ended)
		raw.n -= CRLF.n;
	str_cut(raw, ':', &name, &value);
	name = str_trim(name);
	for (size_t i = 0; i < name.n; i++)
		buf_add_char(out, (char)ascii_lower((unsigned char)name.p[i]));
	buf_add_char(out, ':');
	relax_value(value, out);
	if (ended)
		buf_add_str(out, CRLF);
}

/* ---- body: 3.4.3, 3.4.4 ---- */

static struct str without_blanks_at_end(struct str s)
{
	while (s.n > 0 && ascii_is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Without the empty lines at the end; the CRLF of the last other line goes too. */
static struct str without_empty_lines(enum dkim_canon how, struct str body)
{
	for (;;) {
		struct str line = how == DKIM_RELAXED ? without_blanks_at_end(body) : body;
		if (line.n == 0)
			return line;
		if (!str_ends(line, CRLF))
			return body;
		body = str_sub(line, 0, line.n - CRLF.n);
	}
}

/* The next blank that is not canonical by itself, which is a single space inside a line; the end when there is none. */
static size_t next_run(struct str s, size_t i)
{
	for (; i < s.n; i++) {
		if (!ascii_is_blank(s.p[i]))
			continue;
		if (s.p[i] != ' ' || i + 1 == s.n || ascii_is_blank(s.p[i + 1]) || s.p[i + 1] == '\r')
			break;
	}
	return i;
}

/* Runs of blanks become one space, those before a line end nothing. `from` is where the piece not yet given begins. */
static void relax_body(struct str body, dkim_canon_sink *sink, void *ctx)
{
	size_t from = 0, run, i;
	while ((run = next_run(body, from)) < body.n) {
		for (i = run; i < body.n && ascii_is_blank(body.p[i]);)
			i++;
		if (run > from)
			sink(ctx, body.p + from, run - from);
		if (i < body.n && !str_starts(str_from(body, i), CRLF))
			sink(ctx, " ", 1);
		from = i;
	}
	if (body.n > from)
		sink(ctx, body.p + from, body.n - from);
}

void dkim_canon_body(enum dkim_canon how, struct str body, dkim_canon_sink *sink, void *ctx)
{
	body = without_empty_lines(how, body);
	if (how == DKIM_RELAXED)
		relax_body(body, sink, ctx);
	else if (body.n > 0)
		sink(ctx, body.p, body.n);
	/* an empty body is one CRLF in simple and nothing in relaxed form */
	if (how == DKIM_SIMPLE || body.n > 0)
		sink(ctx, CRLF.p, CRLF.n);
}
