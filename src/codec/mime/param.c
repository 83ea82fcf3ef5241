#include "codec/mime/param.h"

#include "base/ascii.h"
#include "base/err.h"
#include "base/num.h"
#include "codec/mime/charset.h"
#include "codec/mime/defect.h"
#include "codec/mime/header.h"
#include "codec/mime/lex.h"
#include "codec/mime/limits.h"
#include "codec/mime/words.h"

#define TSPECIALS "()<>@,;:\\\"/[]?="    /* RFC 2045 5.1 */
#define NOT_A_SEGMENT UINT32_MAX

/* One parameter as written; RFC 2231 3 and 4: base*number* = value. */
struct segment {
	struct str name;       /* as written */
	struct str base;       /* without *number and the last * */
	struct str value;
	uint32_t number;       /* NOT_A_SEGMENT when there is none */
	bool extended;
	bool done;
};

struct parser {
	struct mime_lex lex;
	struct arena *arena;
	struct segment segment[MIME_PARAMS_MAX];
	size_t count;
	uint32_t defects;
};

/* ---- as written ---- */

static struct str unquote(struct parser *p, struct str inside)
{
	if (!mime_lex_is_quoted(inside))
		return inside;
	char *to = arena_alloc(p->arena, inside.n + 1);
	return to ? str_make(to, mime_lex_unquote(inside, to)) : STR_NONE;
}

/* True before "token=": a parameter whose semicolon was forgotten, as in an example of RFC 2046 5.2.3.3 itself. */
static bool at_parameter(const struct mime_lex *l)
{
	struct mime_lex ahead = *l;
	return mime_lex_until(&ahead, TSPECIALS).n > 0 && mime_lex_peek(&ahead) == '=';
}

/* A value without quotes ends at the semicolon. RFC 2045 wants a token; blanks and tspecials inside are common all the
 * same ("boundary=----=_Part", "filename=my report.pdf"), and dropping them would lose the boundary or the name. */
static struct str take_bare_value(struct parser *p)
{
	struct mime_lex *l = &p->lex;
	const char *start = l->p, *end = start;
	while (!mime_lex_at_end(l) && *l->p != ';') {
		struct str piece = mime_lex_until(l, ";(");
		if (piece.n == 0 && mime_lex_peek(l) == '(')
			l->p++;
		end = l->p;
		bool gap = mime_lex_skip(l, NULL);
		if (gap && (memchr(end, '(', (size_t)(l->p - end)) || at_parameter(l)))
			break;
	}
	struct str value = str_make(start, (size_t)(end - start));
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] <= 32 || strchr(TSPECIALS, value.p[i]))
			p->defects |= MIME_BAD_PARAM;
	return mime_header_is_plain(value) ? value : unquote(p, value);    /* folded */
}

static void split_name(struct segment *s)
{
	struct str base = s->name;
	s->number = NOT_A_SEGMENT;
	if (base.n > 1 && base.p[base.n - 1] == '*') {
		s->extended = true;
		base.n--;
	}
	size_t star = str_chr(base, '*');
	uint32_t number;
	if (star != STR_NPOS && star > 0 && base.n - star <= 5 && num_parse_u32(str_from(base, star + 1), &number)) {
		s->number = number;
		base.n = star;
	}
	s->base = base;
}

/* At the name. Skips to the next semicolon whatever comes. */
static void take_segment(struct parser *p)
{
	struct mime_lex *l = &p->lex;
	struct segment s = { .done = false };
	s.name = mime_lex_until(l, TSPECIALS);
	mime_lex_skip(l, NULL);
	if (s.name.n && mime_lex_peek(l) == '=') {
		l->p++;
		mime_lex_skip(l, NULL);
		struct str inside;
		s.value = mime_lex_quoted(l, &inside) ? unquote(p, inside) : take_bare_value(p);
		split_name(&s);
		if (p->count < MIME_PARAMS_MAX)
			p->segment[p->count++] = s;
		else
			p->defects |= MIME_TOO_MANY_PARAMS;
		mime_lex_skip(l, NULL);
	} else {
		p->defects |= MIME_BAD_PARAM;
	}
	if (mime_lex_at_end(l) || *l->p == ';')
		return;
	p->defects |= MIME_BAD_PARAM;
	if (s.name.n && at_parameter(l))
		return;
	size_t semicolon = str_chr(str_make(l->p, (size_t)(l->end - l->p)), ';');
	l->p = semicolon == STR_NPOS ? l->end : l->p + semicolon;
}

static void take_segments(struct parser *p)
{
	struct mime_lex *l = &p->lex;
	mime_lex_skip(l, NULL);
	if (!mime_lex_at_end(l) && *l->p != ';')
		p->defects |= MIME_BAD_PARAM;
	while (!mime_lex_at_end(l)) {
		if (*l->p == ';')
			l->p++;
		else
			take_segment(p);
		mime_lex_skip(l, NULL);
	}
}

/* ---- RFC 2231: joined ---- */

static struct segment *find_segment(struct parser *p, struct str base, uint32_t number)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->segment[i].number == number && !p->segment[i].done && str_ieq(p->segment[i].base, base))
			return &p->segment[i];
	return NULL;
}

/* RFC 2231 7 attribute-char: what stands for itself in an extended value. */
static bool is_attribute_char(unsigned char c) { return c > 32 && c < 127 && !strchr("*'%" TSPECIALS, c); }

static char *copy_escaped(char *to, struct str s)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (is_attribute_char(c)) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '%';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	return to;
}

/* Joins base*0, base*1 ... RFC 2231 4.1: segments may or may not be extended; the whole is extended if any is, and then
 * what is not has its odd characters encoded. The language and charset stand in segment 0. */
static void join(struct parser *p, struct str base, struct mime_param *out)
{
	size_t bytes = 2;
	uint32_t n = 0;
	struct segment *s;
	for (; (s = find_segment(p, base, n)); n++) {
		bytes += 3 * s->value.n;
		out->extended |= s->extended;
	}
	char *start = arena_alloc(p->arena, bytes), *to = start;
	char *name = arena_alloc(p->arena, base.n + 1);
	if (!start || !name)
		return;
	memcpy(name, base.p, base.n);
	name[base.n] = '*';
	out->name = str_make(name, base.n + out->extended);
	for (uint32_t i = 0; i < n; i++) {
		s = find_segment(p, base, i);
		if (!s)
			break;    /* a name that occurs twice was taken by the first */
		s->done = true;
		if (i == 0 && out->extended && !s->extended) {
			*to++ = '\'';
			*to++ = '\'';
		}
		if (out->extended && !s->extended) {
			to = copy_escaped(to, s->value);
		} else {
			memcpy(to, s->value.p ? s->value.p : "", s->value.n);
			to += s->value.n;
		}
	}
	out->value = str_make(start, (size_t)(to - start));
}

static int finish(struct parser *p, struct mime_content *out, uint32_t *defects)
{
	struct mime_param *list = p->count ? arena_array(p->arena, p->count, sizeof(*list)) : NULL;
	for (size_t i = 0; list && i < p->count; i++) {
		struct segment *s = &p->segment[i];
		if (s->done)
			continue;
		struct mime_param *param = &list[out->param_count];
		if (s->number != NOT_A_SEGMENT && find_segment(p, s->base, 0)) {
			join(p, s->base, param);
			out->param_count++;
			if (s->done)
				continue;
			param = &list[out->param_count];    /* cannot be out of range: join used up another segment */
		}
		if (s->number != NOT_A_SEGMENT)
			p->defects |= MIME_BAD_PARAM;    /* its predecessor is missing */
		*param = (struct mime_param){ s->name, s->value, s->number == NOT_A_SEGMENT && s->extended };
		s->done = true;
		out->param_count++;
	}
	out->param = list;
	if (defects)
		*defects |= p->defects;
	return p->arena->failed ? ERR_NO_MEMORY : 0;
}

/* ---- the fields ---- */

int mime_content_type_parse(struct str body, struct arena *a, struct mime_content *out, uint32_t *defects)
{
	struct parser p;
	p.lex = mime_lex_make(str_sub(body, 0, MIME_PARAM_FIELD_MAX));
	p.arena = a;
	p.count = 0;
	p.defects = 0;
	*out = (struct mime_content){ .param = NULL };
	mime_lex_skip(&p.lex, NULL);
	struct str type = mime_lex_until(&p.lex, TSPECIALS);
	mime_lex_skip(&p.lex, NULL);
	if (!type.n || mime_lex_peek(&p.lex) != '/')
		return ERR_INVALID;
	p.lex.p++;
	mime_lex_skip(&p.lex, NULL);
	struct str subtype = mime_lex_until(&p.lex, TSPECIALS);
	if (!subtype.n)
		return ERR_INVALID;
	out->type = type;
	out->subtype = subtype;
	take_segments(&p);
	return finish(&p, out, defects);
}

int mime_disposition_parse(struct str body, struct arena *a, struct mime_content *out, uint32_t *defects)
{
	struct parser p;
	p.lex = mime_lex_make(str_sub(body, 0, MIME_PARAM_FIELD_MAX));
	p.arena = a;
	p.count = 0;
	p.defects = 0;
	*out = (struct mime_content){ .param = NULL };
	mime_lex_skip(&p.lex, NULL);
	out->type = mime_lex_until(&p.lex, TSPECIALS);
	if (!out->type.n)
		return ERR_INVALID;
	take_segments(&p);
	return finish(&p, out, defects);
}

const struct mime_param *mime_param_find(const struct mime_content *c, struct str name)
{
	const struct mime_param *plain = NULL;
	for (size_t i = 0; i < c->param_count; i++) {
		const struct mime_param *p = &c->param[i];
		if (p->extended && p->name.n == name.n + 1 && str_istarts(p->name, name))
			return p;
		if (!plain && str_ieq(p->name, name))
			plain = p;
	}
	return plain;
}

static void percent_decode(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		int high = i + 2 < s.n && s.p[i] == '%' ? ascii_hex_value((unsigned char)s.p[i + 1]) : -1;
		int low = high >= 0 ? ascii_hex_value((unsigned char)s.p[i + 2]) : -1;
		if (low >= 0)
			i += 2;
		buf_add_char(out, low >= 0 ? (char)(high * 16 + low) : s.p[i]);
	}
}

void mime_param_decode(const struct mime_param *p, struct buf *out)
{
	struct str charset, rest, language, text;
	if (!p->extended || !str_cut(p->value, '\'', &charset, &rest) || !str_cut(rest, '\'', &language, &text)) {
		mime_words_decode(p->value, out);
		return;
	}
	struct buf bytes = BUF_INIT(0);
	percent_decode(text, &bytes);
	if (mime_charset_convert(charset, buf_str(&bytes), out))
		mime_charset_guess(buf_str(&bytes), out);
	out->failed |= bytes.failed;
	buf_fini(&bytes);
}

bool mime_language_next(struct str *rest, struct str *tag_out)
{
	struct mime_lex l = mime_lex_make(*rest);
	struct str tag;
	do {
		mime_lex_skip(&l, NULL);
		tag = mime_lex_until(&l, ",(");
		if (!tag.n && !mime_lex_at_end(&l))
			l.p++;
	} while (!tag.n && !mime_lex_at_end(&l));
	*rest = str_make(l.p, (size_t)(l.end - l.p));
	*tag_out = tag;
	return tag.n > 0;
}

struct str mime_token_parse(struct str body)
{
	struct mime_lex l = mime_lex_make(body);
	mime_lex_skip(&l, NULL);
	return mime_lex_until(&l, ";(");
}
