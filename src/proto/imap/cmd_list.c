/* LIST and LSUB. */
#include "base/map.h"
#include "codec/imap/format.h"
#include "codec/imap/list_args.h"
#include "proto/imap/commands.h"
#include "proto/imap/use.h"

/* Options of RFC 5258 that RFC 6154 and RFC 3348 bring along. */
enum list_option {
	LIST_SELECT_SPECIAL_USE = 1,
	LIST_RETURN_SPECIAL_USE = 2,      /* what every response holds anyway: read, and nothing to do */
	LIST_RETURN_CHILDREN = 4,
};

struct list {
	struct str pattern;               /* the reference before it */
	unsigned options;
};

/* "(" [word *(SP word)] ")" of the words permitted. */
static bool read_options(struct imap_cursor *c, unsigned special_use, unsigned children, unsigned *options)
{
	if (!imap_expect(c, '(', "Expected ("))
		return false;
	if (imap_take(c, ')'))
		return true;
	do {
		if (imap_take_word(c, "SPECIAL-USE"))
			*options |= special_use;
		else if (children && imap_take_word(c, "CHILDREN"))
			*options |= children;
		else
			return imap_fail(c, "Unknown option");
	} while (imap_peek(c) == ' ' && imap_sp(c));
	return imap_expect(c, ')', "Expected )");
}

/* [ "(" options ")" SP ] mailbox SP pattern [ SP "RETURN" SP "(" options ")" ], RFC 3501 9 and RFC 5258 6. */
static bool read_list(struct imap_request *r, bool extended, struct list *out)
{
	struct imap_cursor *c = &r->args;
	struct imap_list basic;
	*out = (struct list){ 0 };
	if (extended && imap_peek(c) == '('
		&& (!read_options(c, LIST_SELECT_SPECIAL_USE, 0, &out->options) || !imap_sp(c)))
		return false;
	if (!imap_list_args(c, &basic))
		return false;
	if (extended && imap_peek(c) == ' ') {
		if (!imap_sp(c) || !imap_take_word(c, "RETURN") || !imap_sp(c)
			|| !read_options(c, LIST_RETURN_SPECIAL_USE, LIST_RETURN_CHILDREN, &out->options))
			return imap_fail(c, "Expected RETURN and its options");
	}
	if (!imap_end(c))
		return false;
	out->pattern = basic.pattern;
	if (basic.pattern.n && basic.reference.n) {
		out->pattern = arena_printf(r->arena, "%.*s%.*s", STR_ARG(basic.reference), STR_ARG(basic.pattern));
		if (!out->pattern.p)
			return imap_fail(c, "Out of memory");
	}
	return true;
}

static void write_name(struct imap_session *s, struct str name)
{
	struct buf *out = conn_out(s->conn);
	buf_add_lit(out, ") \"/\" ");
	imap_format_mailbox(out, name, imap_utf8(s));
	buf_add_lit(out, "\r\n");
}

/* RFC 3501 6.3.8: an empty pattern asks for the delimiter and the root of the reference. Names have no root here. */
static enum imap_result list_delimiter(struct imap_request *r)
{
	conn_printf(r->conn, "* %s (\\Noselect) \"/\" \"\"\r\n", r->row->name);
	return imap_ok(r, "%s completed", r->row->name);
}

/* Whose names have another below them: the parents of all names. Parents always exist (model.h, mailbox_create). */
static int find_parents(const struct mailbox *v, size_t n, struct map *parents)
{
	for (size_t i = 0; i < n; i++) {
		size_t at = str_rchr(v[i].name, MAILBOX_SEPARATOR);
		if (at != STR_NPOS && map_put(parents, str_sub(v[i].name, 0, at), parents))
			return ERR_NO_MEMORY;
	}
	return 0;
}

static void write_mailbox(struct imap_session *s, const struct mailbox *m, bool has_children)
{
	struct buf *out = conn_out(s->conn);
	buf_add_lit(out, "* LIST (");
	if (m->no_select)
		buf_add_lit(out, "\\Noselect ");
	buf_add_c(out, has_children ? "\\HasChildren" : "\\HasNoChildren");       /* RFC 3348 3 */
	imap_use_format(out, m->use);
	write_name(s, m->name);
}

static void list_matching(struct imap_session *s, const struct list *list, const struct mailbox *v, size_t n,
						  struct map *parents)
{
	for (size_t i = 0; i < n; i++) {
		if (list->options & LIST_SELECT_SPECIAL_USE && !v[i].use)
			continue;
		if (!imap_list_match(list->pattern, v[i].name, MAILBOX_SEPARATOR))
			continue;
		write_mailbox(s, &v[i], map_get(parents, v[i].name) != NULL);
		if (conn_out_check(s->conn))
			return;
	}
}

enum imap_result imap_cmd_list(struct imap_request *r)
{
	struct list list;
	if (!read_list(r, true, &list))
		return imap_bad_args(r);
	if (!list.pattern.n)
		return list_delimiter(r);
	struct mailbox *v;
	size_t n;
	int rc = mailbox_list(r->s->account, r->arena, &v, &n);
	struct map *parents = NULL;
	if (!rc)
		rc = map_create(&parents);
	if (!rc)
		rc = find_parents(v, n, parents);
	if (!rc)
		list_matching(r->s, &list, v, n, parents);
	map_destroy(&parents);
	return rc ? imap_error(r, rc, NULL) : imap_ok(r, "LIST completed");
}

/* ---- LSUB ---- */

/* RFC 3501 6.3.9: a level above a subscribed name that "%" selects, and that is not subscribed itself, is \Noselect. */
static void lsub_levels(struct imap_session *s, struct str pattern, struct str name, struct map *told)
{
	for (size_t at = 0; at < name.n; at++) {
		struct str level = str_sub(name, 0, at);
		if (name.p[at] != MAILBOX_SEPARATOR || map_get(told, level) || !imap_list_match(pattern, level, MAILBOX_SEPARATOR))
			continue;
		if (map_put(told, level, told))
			return;
		buf_add_lit(conn_out(s->conn), "* LSUB (\\Noselect");
		write_name(s, level);
	}
}

static int lsub_matching(struct imap_session *s, struct str pattern, const struct str *names, size_t n, struct map *told)
{
	for (size_t i = 0; i < n; i++)
		if (map_put(told, names[i], told))
			return ERR_NO_MEMORY;
	bool levels = str_chr(pattern, '%') != STR_NPOS;
	for (size_t i = 0; i < n; i++) {
		if (imap_list_match(pattern, names[i], MAILBOX_SEPARATOR)) {
			buf_add_lit(conn_out(s->conn), "* LSUB (");
			write_name(s, names[i]);
		} else if (levels) {
			lsub_levels(s, pattern, names[i], told);
		}
		if (conn_out_check(s->conn))
			return 0;
	}
	return 0;
}

enum imap_result imap_cmd_lsub(struct imap_request *r)
{
	struct list list;
	if (!read_list(r, false, &list))
		return imap_bad_args(r);
	if (!list.pattern.n)
		return list_delimiter(r);
	struct str *names;
	size_t n;
	int rc = subscription_list(r->s->account, r->arena, &names, &n);
	struct map *told = NULL;
	if (!rc)
		rc = map_create(&told);
	if (!rc)
		rc = lsub_matching(r->s, list.pattern, names, n, told);
	map_destroy(&told);
	return rc ? imap_error(r, rc, NULL) : imap_ok(r, "LSUB completed");
}
