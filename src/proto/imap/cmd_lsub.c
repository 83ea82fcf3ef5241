/* LSUB: RFC 3501 6.3.9. */
#include "base/map.h"
#include "codec/imap/format.h"
#include "codec/imap/list_args.h"
#include "proto/imap/commands.h"

static void write_name(struct imap_session *s, const char *begin, struct str name)
{
	struct buf *out = conn_out(s->conn);
	buf_add_c(out, begin);
	buf_add_lit(out, ") \"/\" ");
	imap_format_mailbox(out, name, imap_utf8(s));
	buf_add_lit(out, "\r\n");
}

/* A level above a subscribed name that "%" selects, and that is not subscribed itself, is \Noselect. */
static void tell_levels(struct imap_session *s, struct str pattern, struct str name, struct map *told)
{
	for (size_t at = 0; at < name.n; at++) {
		struct str level = str_sub(name, 0, at);
		if (name.p[at] != MAILBOX_SEPARATOR || map_get(told, level) || !imap_list_match(pattern, level, MAILBOX_SEPARATOR))
			continue;
		if (map_put(told, level, told))
			return;
		write_name(s, "* LSUB (\\Noselect", level);
	}
}

static int tell_matching(struct imap_session *s, struct str pattern, const struct str *names, size_t n, struct map *told)
{
	for (size_t i = 0; i < n; i++)
		if (map_put(told, names[i], told))
			return ERR_NO_MEMORY;
	bool levels = str_chr(pattern, '%') != STR_NPOS;
	for (size_t i = 0; i < n; i++) {
		if (imap_list_match(pattern, names[i], MAILBOX_SEPARATOR))
			write_name(s, "* LSUB (", names[i]);
		else if (levels)
			tell_levels(s, pattern, names[i], told);
		if (conn_out_check(s->conn))
			return 0;
	}
	return 0;
}

enum imap_result imap_cmd_lsub(struct imap_request *r)
{
	struct imap_list list;
	if (!imap_lsub_args(&r->args, &list))
		return imap_bad_args(r);
	if (!list.pattern[0].n) {
		conn_printf(r->conn, "* LSUB (\\Noselect) \"/\" \"\"\r\n");
		return imap_ok(r, "LSUB completed");
	}
	struct str *names;
	size_t n;
	int rc = subscription_list(r->s->account, r->arena, &names, &n);
	struct map *told = NULL;
	if (!rc)
		rc = map_create(&told);
	if (!rc)
		rc = tell_matching(r->s, list.pattern[0], names, n, told);
	map_destroy(&told);
	return rc ? imap_error(r, rc, NULL) : imap_ok(r, "LSUB completed");
}
