#include "codec/mime/address.h"

#include "base/ascii.h"
#include "base/err.h"
#include "codec/mime/defect.h"
#include "codec/mime/lex.h"
#include "codec/mime/limits.h"

#define DOMAIN_MAX 255    /* RFC 5321 4.5.3.1.2 */

/* One list member is read twice: scan_member finds its shape (where it ends, whether there is an angle bracket), then
 * its pieces are copied without quoting, comments and folding. Every piece goes to `to`, which has room for the body:
 * no byte of it is copied into two pieces. */
struct parser {
	struct mime_lex lex;
	struct mime_address *list;
	size_t count, max;
	char *to;
	bool in_group;
	bool full;
	uint32_t defects;
};

/* Words that are joined by dots or @ form a run; between runs there are only blanks or comments. */
struct member {
	const char *start;      /* after comments and blanks before it */
	const char *last_run;   /* where the last run starts */
	const char *at;         /* the last @ before any angle bracket, or NULL */
	const char *at_run;     /* where its run starts */
	const char *at_end;     /* where the run after it starts, or end */
	const char *end;        /* at the delimiter */
	int delimiter;          /* , ; : < or -1 at the end of the body */
	struct str comment;     /* the last one, p == NULL if none */
};

static struct str copied(struct parser *p, char *end)
{
	struct str s = str_make(p->to, (size_t)(end - p->to));
	p->to = end;
	return s;
}

/* Skips a domain literal, so that its colons are no delimiters. */
static void skip_literal(struct mime_lex *l)
{
	size_t left = (size_t)(l->end - l->p);
	struct str ahead = str_make(l->p, left < DOMAIN_MAX ? left : DOMAIN_MAX);
	size_t close = str_chr(ahead, ']');
	if (close != STR_NPOS && str_chr(str_sub(ahead, 0, close), ',') == STR_NPOS)
		l->p += close;
}

static struct member scan_member(struct parser *p, struct str comment_before)
{
	struct mime_lex *l = &p->lex;
	struct member m = { .start = l->p, .last_run = l->p, .delimiter = -1, .comment = comment_before };
	bool joined = true;    /* a dot or an @ connects the next word to those before */
	bool gap = false;
	while (!mime_lex_at_end(l)) {
		int c = mime_lex_peek(l);
		struct str quoted;
		if (c == ',' || c == ';' || c == '<' || (c == ':' && !m.at && !p->in_group)) {
			m.delimiter = c;
			break;
		}
		if (gap && !joined && c != '.' && c != '@') {
			m.last_run = l->p;
			m.at_end = m.at && !m.at_end ? l->p : m.at_end;
		}
		joined = c == '.' || c == '@';
		if (c == '@') {
			m.at = l->p;
			m.at_run = m.last_run;
			m.at_end = NULL;
		}
		if (c == '[' && m.at)
			skip_literal(l);
		if (!mime_lex_quoted(l, &quoted))
			l->p++;
		gap = mime_lex_skip(l, &m.comment);
	}
	m.end = l->p;
	if (!m.at_end)
		m.at_end = m.end;
	return m;
}

/* RFC 5322 3.2.5 phrase: words with one space where there were blanks or comments. Whatever else is there stays. */
static struct str copy_phrase(struct parser *p, const char *from, const char *end)
{
	struct mime_lex l = mime_lex_make(str_make(from, (size_t)(end - from)));
	char *to = p->to;
	bool gap = false;
	mime_lex_skip(&l, NULL);
	while (!mime_lex_at_end(&l)) {
		struct str quoted;
		if (gap)
			*to++ = ' ';
		if (mime_lex_quoted(&l, &quoted))
			to += mime_lex_unquote(quoted, to);
		else
			*to++ = *l.p ? *l.p : ' ', l.p++;
		gap = mime_lex_skip(&l, NULL);
	}
	return copied(p, to);
}

/* RFC 5322 4.4 obs-local-part and obs-domain: words and dots, blanks and comments between them do not count. Inside a
 * domain literal nothing is quoted and only blanks go. */
static struct str copy_joined(struct parser *p, const char *from, const char *end)
{
	struct mime_lex l = mime_lex_make(str_make(from, (size_t)(end - from)));
	char *to = p->to;
	mime_lex_skip(&l, NULL);
	while (!mime_lex_at_end(&l)) {
		struct str quoted;
		if (mime_lex_quoted(&l, &quoted))
			to += mime_lex_unquote(quoted, to);
		else
			*to++ = *l.p ? *l.p : ' ', l.p++;
		mime_lex_skip(&l, NULL);
	}
	return copied(p, to);
}

static struct str copy_comment(struct parser *p, struct str comment)
{
	struct str s = str_trim(comment);
	return copied(p, p->to + mime_lex_unquote(s, p->to));
}

/* One place is always kept for the end of an open group. */
static struct mime_address *add(struct parser *p, enum mime_address_kind kind)
{
	size_t kept = kind == MIME_GROUP_END ? 0 : kind == MIME_GROUP_START ? 2 : 1;
	if (p->count + kept >= p->max) {
		p->defects |= MIME_TOO_MANY_ADDRESSES;
		p->full = true;
		return NULL;
	}
	struct mime_address *address = &p->list[p->count++];
	*address = (struct mime_address){ kind, STR(""), STR(""), STR(""), STR("") };
	return address;
}

static void end_group(struct parser *p)
{
	if (p->in_group)
		add(p, MIME_GROUP_END);
	p->in_group = false;
}

static void copy_address(struct parser *p, struct mime_address *address, const char *from, const char *at,
                         const char *end)
{
	if (at) {
		address->local = copy_joined(p, from, at);
		address->domain = copy_joined(p, at + 1, end);
	} else {
		address->local = copy_joined(p, from, end);
	}
	if (!address->domain.n || !address->local.n)
		p->defects |= MIME_BAD_ADDRESS;
}

/* The part after '<': [obs-route] addr-spec ">". Returns with the scanner behind the '>' if there is one. */
static void parse_angle(struct parser *p, struct mime_address *address)
{
	struct mime_lex *l = &p->lex;
	mime_lex_skip(l, NULL);
	const char *start = l->p, *at = NULL;
	bool in_route = mime_lex_peek(l) == '@';
	while (!mime_lex_at_end(l) && *l->p != '>' && (in_route || (*l->p != ',' && *l->p != ';'))) {
		struct str quoted;
		if (*l->p == '@')
			at = l->p;
		if (*l->p == '[' && at)
			skip_literal(l);
		if (in_route && *l->p == ':') {
			address->route = copy_joined(p, start, l->p);
			start = l->p + 1;
			at = NULL;
			in_route = false;
		}
		if (!mime_lex_quoted(l, &quoted))
			l->p++;
		mime_lex_skip(l, NULL);
	}
	copy_address(p, address, start, at, l->p);
	if (mime_lex_peek(l) == '>')
		l->p++;
	else
		p->defects |= MIME_BAD_ADDRESS;
}

/* After '>': a comment may give the name; anything else up to the next delimiter is lost. */
static void finish_angle(struct parser *p, struct mime_address *address, struct str comment)
{
	struct mime_lex *l = &p->lex;
	for (;;) {
		mime_lex_skip(l, &comment);
		int c = mime_lex_peek(l);
		if (c < 0 || c == ',' || c == ';')
			break;
		struct str quoted;
		p->defects |= MIME_BAD_ADDRESS;
		if (!mime_lex_quoted(l, &quoted))
			l->p++;
	}
	if (!address->name.n && comment.p)
		address->name = copy_comment(p, comment);
}

/* A member without angle brackets: addr-spec, or words that are none. */
static void parse_bare(struct parser *p, const struct member *m)
{
	struct mime_address *address = add(p, MIME_ADDRESS);
	if (!address)
		return;
	if (m->at) {
		copy_address(p, address, m->at_run, m->at, m->at_end);
		if (m->at_run > m->start)
			address->name = copy_phrase(p, m->start, m->at_run);
		else if (m->at_end < m->end)
			address->name = copy_phrase(p, m->at_end, m->end);
		if (address->name.n)
			p->defects |= MIME_BAD_ADDRESS;
	} else if (m->last_run > m->start || *m->start == '"') {
		address->name = copy_phrase(p, m->start, m->end);
		p->defects |= MIME_BAD_ADDRESS;
	} else {
		copy_address(p, address, m->start, NULL, m->end);
	}
	if (!address->name.n && m->comment.p)
		address->name = copy_comment(p, m->comment);
}

static void parse_member(struct parser *p, struct str comment_before)
{
	struct mime_lex *l = &p->lex;
	struct member m = scan_member(p, comment_before);
	if (m.delimiter == '<') {
		struct mime_address *address = add(p, MIME_ADDRESS);
		if (!address)
			return;
		if (m.at)
			p->defects |= MIME_BAD_ADDRESS;    /* an address as display name must be quoted */
		address->name = copy_phrase(p, m.start, m.end);
		l->p++;
		parse_angle(p, address);
		finish_angle(p, address, m.comment);
	} else if (m.delimiter == ':') {
		struct mime_address *group = add(p, MIME_GROUP_START);
		if (!group)
			return;
		group->name = copy_phrase(p, m.start, m.end);
		p->in_group = true;
		l->p++;
	} else {
		parse_bare(p, &m);
	}
}

static size_t list_bound(struct str body)
{
	size_t n = 2;
	for (size_t i = 0; i < body.n; i++)
		n += body.p[i] == ',' || body.p[i] == ';' || body.p[i] == ':';
	return n < MIME_ADDRESSES_MAX ? n : MIME_ADDRESSES_MAX;
}

int mime_addresses_parse(struct str body, struct arena *a, struct mime_address **out, size_t *count_out,
                         uint32_t *defects)
{
	struct parser p = { .defects = 0 };
	*out = NULL;
	*count_out = 0;
	if (body.n > MIME_FIELD_MAX) {
		body.n = MIME_FIELD_MAX;
		p.defects |= MIME_TOO_MANY_ADDRESSES;
	}
	p.max = list_bound(body) + 1;
	p.lex = mime_lex_make(body);
	p.list = arena_array(a, p.max, sizeof(*p.list));
	p.to = arena_alloc(a, body.n + 1);
	if (!p.list || !p.to)
		return ERR_NO_MEMORY;
	while (!p.full) {
		struct str comment = STR_NONE;
		mime_lex_skip(&p.lex, &comment);
		int c = mime_lex_peek(&p.lex);
		if (c < 0)
			break;
		if (c != ',' && c != ';') {
			parse_member(&p, comment);
			continue;
		}
		p.lex.p++;    /* RFC 5322 4.4: empty list members */
		if (c == ';') {
			if (!p.in_group)
				p.defects |= MIME_BAD_ADDRESS;
			end_group(&p);
		}
	}
	if (p.in_group)
		p.defects |= MIME_BAD_ADDRESS;
	end_group(&p);
	*out = p.list;
	*count_out = p.count;
	if (defects)
		*defects |= p.defects;
	return 0;
}

/* RFC 5322 3.2.3 atext, and what RFC 6532 adds. */
static bool is_atext(unsigned char c) { return c >= 0x80 || (c > 32 && c < 127 && !strchr("()<>[]:;@\\,.\"", c)); }

static bool is_dot_atom(struct str s)
{
	bool after_dot = true;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' ? after_dot : !is_atext((unsigned char)s.p[i]))
			return false;
		after_dot = s.p[i] == '.';
	}
	return !after_dot;
}

void mime_address_format(const struct mime_address *address, struct buf *out)
{
	if (is_dot_atom(address->local)) {
		buf_add_str(out, address->local);
	} else {
		buf_add_char(out, '"');
		for (size_t i = 0; i < address->local.n; i++) {
			if (address->local.p[i] == '"' || address->local.p[i] == '\\')
				buf_add_char(out, '\\');
			buf_add_char(out, address->local.p[i]);
		}
		buf_add_char(out, '"');
	}
	buf_add_char(out, '@');
	buf_add_str(out, address->domain);
}
