#include "milter/message.h"

#include "codec/mime/header.h"
#include "milter/limits.h"

/* ---- the message ---- */

/* Puts a field behind *at; NULL when out of memory. */
static struct milter_field *link_field(struct arena *a, struct milter_field **at, const struct milter_field *values)
{
	struct milter_field *f = arena_new(a, struct milter_field);

	if (!f)
		return NULL;
	*f = *values;
	f->next = *at;
	*at = f;
	return f;
}

int milter_message_parse(struct arena *a, struct str own, struct str bytes, struct milter_message *out)
{
	struct milter_field **at = &out->first, *f;
	struct mime_header_walk walk = mime_header_walk(bytes);
	struct mime_header_field field;
	size_t done = 0;
	unsigned n = 0;

	*out = (struct milter_message){ .arena = a, .new_body = BUF_INIT(0) };
	if (own.p) {
		if (!(f = link_field(a, at, &(struct milter_field){ .raw = own, .hidden = true })))
			return ERR_NO_MEMORY;
		at = &f->next;
	}
	for (bool more = true; more; at = &f->next) {
		more = mime_header_next(&walk, &field);
		size_t to = more ? field.at : walk.at;
		struct str between = str_sub(bytes, done, to - done);
		if (!more && walk.blank) {
			size_t line = between.n >= 2 && between.p[between.n - 2] == '\r' ? 2 : 1;
			out->blank = str_from(between, between.n - line);
			between.n -= line;
		}
		if (between.n) {
			if (!(f = link_field(a, at, &(struct milter_field){ .raw = between, .hidden = true })))
				return ERR_NO_MEMORY;
			at = &f->next;
		}
		if (!more)
			break;
		if (++n > MILTER_FIELDS_MAX)
			return ERR_TOO_BIG;
		if (!(f = link_field(a, at, &(struct milter_field){ .name = field.name, .body = field.body, .raw = field.raw })))
			return ERR_NO_MEMORY;
		done = field.at + field.raw.n;
	}
	out->body = str_from(bytes, walk.at);
	return 0;
}

void milter_message_fini(struct milter_message *m)
{
	buf_fini(&m->new_body);
}

/* The body of a field that changes.c has formatted: "Name:", body, CRLF. */
static struct str body_of(struct str raw)
{
	size_t colon = str_chr(raw, ':');

	return str_sub(raw, colon + 1, raw.n - colon - 3);
}

static int insert(struct milter_message *m, const struct milter_edit *e, uint32_t place)
{
	struct milter_field **at = &m->first;
	struct milter_field new = { .name = e->name, .body = body_of(e->raw), .raw = e->raw };

	while (*at && place--)
		at = &(*at)->next;
	return link_field(m->arena, at, &new) ? 0 : ERR_NO_MEMORY;
}

/* The index-th field of that name, the first is 1; 0 is taken for 1. */
static struct milter_field *find(const struct milter_message *m, struct str name, uint32_t index)
{
	for (struct milter_field *f = m->first; f; f = f->next)
		if (!f->hidden && str_ieq(f->name, name) && index-- <= 1)
			return f;
	return NULL;
}

static int change(struct milter_message *m, const struct milter_edit *e)
{
	struct milter_field *f = find(m, e->name, e->index);

	if (!f)
		return e->raw.n ? insert(m, e, UINT32_MAX) : 0;
	f->gone = e->raw.n == 0;
	if (f->gone)
		return 0;
	f->raw = e->raw;
	f->body = body_of(e->raw);
	return 0;
}

static void forget_deleted(struct milter_message *m)
{
	for (struct milter_field **at = &m->first; *at;)
		if ((*at)->gone)
			*at = (*at)->next;
		else
			at = &(*at)->next;
}

static bool has_bare_ends(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' || (s.p[i] == '\r' && (i + 1 == s.n || s.p[i + 1] != '\n')))
			return true;
		i += s.p[i] == '\r';
	}
	return false;
}

/* Bare CR and LF become CRLF: whoever sends the message on must not meet them (RFC 5321 2.3.8). */
static void repair_line_ends(struct buf *b)
{
	struct buf fixed = BUF_INIT(b->max);

	if (!has_bare_ends(buf_str(b)))
		return;
	for (size_t i = 0; i < b->n; i++) {
		if (b->p[i] == '\r' || b->p[i] == '\n') {
			buf_add_lit(&fixed, "\r\n");
			i += b->p[i] == '\r' && i + 1 < b->n && b->p[i + 1] == '\n';
		} else {
			buf_add_char(&fixed, b->p[i]);
		}
	}
	buf_fini(b);
	*b = fixed;
}

static int replace_body(struct milter_message *m, struct milter_changes *c)
{
	size_t max = c->body.max;

	repair_line_ends(&c->body);
	if (c->body.failed)
		return ERR_TOO_BIG;
	buf_fini(&m->new_body);
	m->new_body = c->body;
	c->body = (struct buf)BUF_INIT(max);
	c->has_body = false;
	m->body = buf_str(&m->new_body);
	if (m->blank.n == 0)
		m->blank = STR("\r\n");
	return 0;
}

int milter_message_apply(struct milter_message *m, struct milter_changes *c)
{
	int r = 0;

	for (const struct milter_edit *e = c->edits; e && r == 0; e = e->next) {
		if (e->kind == MILTER_EDIT_CHANGE)
			r = change(m, e);
		else
			r = insert(m, e, e->kind == MILTER_EDIT_ADD ? UINT32_MAX : e->index);
	}
	c->edits = NULL;
	c->edits_end = &c->edits;
	c->n = 0;
	forget_deleted(m);
	if (r == 0 && c->has_body)
		r = replace_body(m, c);
	return r;
}

static void add_piece(struct str *pieces, size_t *n, struct str s)
{
	struct str *last = *n ? &pieces[*n - 1] : NULL;

	if (s.n == 0)
		return;
	if (last && last->p + last->n == s.p)
		last->n += s.n;
	else
		pieces[(*n)++] = s;
}

int milter_message_pieces(const struct milter_message *m, struct str **out, size_t *n_out)
{
	size_t most = 2;

	for (const struct milter_field *f = m->first; f; f = f->next)
		most++;
	*n_out = 0;
	*out = arena_array(m->arena, most, sizeof **out);
	if (!*out)
		return ERR_NO_MEMORY;
	for (const struct milter_field *f = m->first; f; f = f->next)
		if (!f->gone)
			add_piece(*out, n_out, f->raw);
	add_piece(*out, n_out, m->blank);
	add_piece(*out, n_out, m->body);
	return 0;
}
