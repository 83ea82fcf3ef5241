#include "base/ascii.h"
#include "milter/limits.h"
#include "milter/message.h"

void milter_changes_init(struct milter_changes *c, struct arena *a, size_t message_max)
{
	*c = (struct milter_changes){ .arena = a, .body = BUF_INIT(message_max) };
	c->edits_end = &c->edits;
	c->rcpts_end = &c->rcpts;
}

void milter_changes_fini(struct milter_changes *c)
{
	buf_fini(&c->body);
}

/* One line of a value. A filter that forgets to fold must not make another field or end the header: what begins a line behind the first
 * is a blank, and lines with nothing but blanks are left out (RFC 5322 2.2.3, 3.2.2). */
static void add_line(struct buf *b, struct str line, bool first)
{
	if (!first) {
		if (str_trim(line).n == 0)
			return;
		buf_add_lit(b, "\r\n");
		if (!ascii_is_blank(line.p[0]))
			buf_add_char(b, '\t');
	}
	for (size_t i = 0; i < line.n; i++)
		buf_add_char(b, line.p[i] == '\r' ? ' ' : line.p[i]);
}

static struct str format_field(struct arena *a, struct str name, struct str value, bool leading_space)
{
	struct buf b = BUF_INIT(2 * MILTER_PACKET_MAX);
	struct str line;

	buf_add_str(&b, name);
	buf_add_char(&b, ':');
	if (!leading_space)
		buf_add_char(&b, ' ');
	for (bool first = true, more = true; more; first = false) {
		more = str_cut(value, '\n', &line, &value);
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		add_line(&b, line, first);
	}
	buf_add_lit(&b, "\r\n");
	struct str raw = b.failed ? STR_NONE : arena_dup(a, buf_str(&b));
	buf_fini(&b);
	return raw;
}

static int take_edit(struct milter_changes *c, const struct milter_reply *r, enum milter_edit_kind kind, bool leading_space)
{
	struct milter_edit *e = arena_new(c->arena, struct milter_edit);

	if (!e)
		return ERR_NO_MEMORY;
	*e = (struct milter_edit){ .kind = kind, .index = r->index, .name = arena_dup(c->arena, r->name) };
	if (kind != MILTER_EDIT_CHANGE || r->value.n) {
		e->raw = format_field(c->arena, r->name, r->value, leading_space);
		if (e->raw.n == 0)
			return ERR_NO_MEMORY;
	}
	*c->edits_end = e;
	c->edits_end = &e->next;
	return 0;
}

static struct str without_brackets(struct str s)
{
	s = str_trim(s);
	if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>')
		s = str_sub(s, 1, s.n - 2);
	return s;
}

static int take_rcpt(struct milter_changes *c, const struct milter_reply *r, bool add)
{
	struct str address = without_brackets(r->name);
	struct milter_rcpt_edit *e = arena_new(c->arena, struct milter_rcpt_edit);

	if (!e)
		return ERR_NO_MEMORY;
	if (address.n == 0)
		return ERR_INVALID;
	*e = (struct milter_rcpt_edit){ .add = add, .address = arena_dup(c->arena, address), .arguments = arena_dup(c->arena, r->value) };
	*c->rcpts_end = e;
	c->rcpts_end = &e->next;
	return 0;
}

static int take_body(struct milter_changes *c, struct str octets)
{
	c->has_body = true;
	buf_add_str(&c->body, octets);
	return buf_error(&c->body);
}

static int take_quarantine(struct milter_changes *c, struct str reason)
{
	char *copy = arena_dup_c(c->arena, reason);

	if (!copy)
		return ERR_NO_MEMORY;
	for (char *p = copy; *p; p++)
		if (!ascii_is_print(*p))
			*p = '?';
	c->quarantine = true;
	c->reason = str_from_c(copy);
	return 0;
}

static int take(struct milter_changes *c, const struct milter_reply *r, bool leading_space)
{
	switch (r->kind) {
	case MILTER_REPLY_ADD_HEADER:
		return take_edit(c, r, MILTER_EDIT_ADD, leading_space);
	case MILTER_REPLY_INSERT_HEADER:
		return take_edit(c, r, MILTER_EDIT_INSERT, leading_space);
	case MILTER_REPLY_CHANGE_HEADER:
		return take_edit(c, r, MILTER_EDIT_CHANGE, leading_space);
	case MILTER_REPLY_ADD_RCPT:
	case MILTER_REPLY_ADD_RCPT_PAR:
		return take_rcpt(c, r, true);
	case MILTER_REPLY_DEL_RCPT:
		return take_rcpt(c, r, false);
	case MILTER_REPLY_CHANGE_FROM:
		c->has_sender = true;
		c->sender = arena_dup(c->arena, without_brackets(r->name));
		c->sender_arguments = arena_dup(c->arena, r->value);
		return 0;
	case MILTER_REPLY_BODY:
		return take_body(c, r->value);
	case MILTER_REPLY_QUARANTINE:
		return take_quarantine(c, r->value);
	default:
		return ERR_INVALID;
	}
}

int milter_changes_take(struct milter_changes *c, const struct milter_reply *r, bool leading_space)
{
	if (r->kind != MILTER_REPLY_BODY && ++c->n > MILTER_EDITS_MAX)
		return ERR_TOO_BIG;
	int code = take(c, r, leading_space);
	return code == 0 && c->arena->failed ? ERR_NO_MEMORY : code;
}

void milter_changes_undo(struct milter_changes *c, const struct milter_changes *before)
{
	struct buf body = c->body;

	*c = *before;
	c->body = body;
	buf_reset(&c->body);
	c->has_body = false;
	c->edits = NULL;
	c->edits_end = &c->edits;
	*c->rcpts_end = NULL;
}
