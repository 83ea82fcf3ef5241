#include "codec/mime/header.h"

#include "base/ascii.h"

struct mime_header_walk mime_header_walk(struct str header) { return (struct mime_header_walk){ header, 0, 0, false }; }

/* Index after the line end of the line that starts at `at`. */
static size_t line_after(struct str s, size_t at)
{
	size_t lf = str_chr(str_from(s, at), '\n');
	return lf == STR_NPOS ? s.n : at + lf + 1;
}

static struct str without_line_end(struct str line)
{
	if (line.n && line.p[line.n - 1] == '\n')
		line.n--;
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* How long the field name at the start of the line is, and where its colon stands; 0 when the line is no field.
 * RFC 5322 2.2: printable US-ASCII except the colon; 4.5: blanks before the colon. */
static size_t name_length(struct str line, size_t *colon_out)
{
	size_t n = 0;
	while (n < line.n && line.p[n] > 32 && line.p[n] < 127 && line.p[n] != ':')
		n++;
	size_t colon = n;
	while (colon < line.n && ascii_is_blank(line.p[colon]))
		colon++;
	if (colon == line.n || line.p[colon] != ':')
		return 0;
	*colon_out = colon;
	return n;
}

/* What mbox files leave at the top of a message, a folded line without its beginning, a colon without a name. */
static bool is_stray(struct str line, bool at_top)
{
	if (ascii_is_blank(line.p[0]) || line.p[0] == ':')
		return true;
	return at_top && (str_starts(line, STR("From ")) || str_starts(line, STR(">From ")));
}

/* Of the line that ends before `end` and what is folded behind it. */
static size_t folded_after(struct str s, size_t end)
{
	while (end < s.n && ascii_is_blank(s.p[end]))
		end = line_after(s, end);
	return end;
}

bool mime_header_next(struct mime_header_walk *w, struct mime_header_field *out)
{
	while (w->at < w->header.n) {
		size_t end = line_after(w->header, w->at);
		struct str line = without_line_end(str_sub(w->header, w->at, end - w->at));
		if (line.n == 0) {
			w->blank = true;
			w->at = end;
			break;
		}
		size_t colon = 0;
		size_t name = name_length(line, &colon);
		if (name > 0) {
			end = folded_after(w->header, end);
			out->at = w->at;
			out->raw = str_sub(w->header, w->at, end - w->at);
			out->name = str_sub(out->raw, 0, name);
			out->body = without_line_end(str_from(out->raw, colon + 1));
			w->at = end;
			return true;
		}
		if (!is_stray(line, w->at == 0))
			break;
		w->stray++;
		w->at = end;
	}
	w->header.n = w->at;
	return false;
}

bool mime_header_find(struct str header, struct str name, struct str *body_out)
{
	struct mime_header_walk w = mime_header_walk(header);
	struct mime_header_field field;
	while (mime_header_next(&w, &field))
		if (str_ieq(field.name, name)) {
			*body_out = field.body;
			return true;
		}
	*body_out = STR_NONE;
	return false;
}

bool mime_header_is_plain(struct str body)
{
	struct str s = str_trim(body);
	return str_chr(s, '\n') == STR_NPOS && str_chr(s, '\r') == STR_NPOS && str_chr(s, '\0') == STR_NPOS;
}

void mime_header_unfold(struct str body, struct buf *out)
{
	struct str s = str_trim(body);
	char *to = buf_reserve(out, s.n);
	if (!to)
		return;
	if (mime_header_is_plain(s)) {
		buf_add_str(out, s);
		return;
	}
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		size_t lf = s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n' ? i + 1 : i;
		if (s.p[lf] == '\n' && lf + 1 < s.n && ascii_is_blank(s.p[lf + 1]))
			i = lf;
		else if (s.p[i] == '\0' || s.p[i] == '\r' || s.p[i] == '\n')
			to[n++] = ' ';
		else
			to[n++] = s.p[i];
	}
	out->n += n;
}

static bool is_listed(struct str name, const struct str *names, size_t name_count)
{
	for (size_t i = 0; i < name_count; i++)
		if (name.n == names[i].n && str_ieq(name, names[i]))
			return true;
	return false;
}

void mime_header_select(struct str header, const struct str *names, size_t name_count, bool except, struct buf *out)
{
	struct mime_header_walk w = mime_header_walk(header);
	struct mime_header_field field;
	size_t from = 0, to = 0;    /* neighbours are copied together */
	while (mime_header_next(&w, &field)) {
		if (is_listed(field.name, names, name_count) == except)
			continue;
		if (field.at != to) {
			buf_add_str(out, str_sub(header, from, to - from));
			from = field.at;
		}
		to = field.at + field.raw.n;
	}
	buf_add_str(out, str_sub(header, from, to - from));
	if (w.blank)
		buf_add_lit(out, "\r\n");
}
