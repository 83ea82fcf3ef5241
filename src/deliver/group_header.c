#include "deliver/group_header.h"

#include "base/ascii.h"
#include "codec/mime/address.h"
#include "codec/mime/encode.h"
#include "codec/mime/header.h"
#include "codec/mime/words.h"
#include "mailauth/dmarc.h"

#define LOOP_FIELD "X-Loop"

struct str group_header_split(struct str message, struct str *body_out)
{
	struct mime_header_walk w = mime_header_walk(message);
	struct mime_header_field f;

	while (mime_header_next(&w, &f)) {}
	struct str header = str_sub(message, 0, w.at);
	*body_out = str_from(message, w.at);
	if (w.blank)
		header.n -= str_ends(header, STR("\r\n")) ? 2 : 1;
	return header;
}

static struct str local_of(struct str address) { return str_sub(address, 0, str_rchr(address, '@')); }
static struct str domain_of(struct str address) { return str_from(address, str_rchr(address, '@') + 1); }

/* RFC 2919 3: "<label.namespace>". */
static void add_list_id(struct buf *b, struct str list)
{
	buf_printf(b, "<%.*s.%.*s>", STR_ARG(local_of(list)), STR_ARG(domain_of(list)));
}

bool group_header_loops(struct str header, struct str list)
{
	struct mime_header_walk w = mime_header_walk(header);
	struct mime_header_field f;
	struct buf id = BUF_INIT(0);
	bool found = false;

	add_list_id(&id, list);
	while (!found && mime_header_next(&w, &f))
		found = (str_ieq(f.name, STR(LOOP_FIELD)) && str_ieq(str_trim(f.body), list)) ||
				(str_ieq(f.name, STR("List-Id")) && str_ifind(f.body, buf_str(&id)) != STR_NPOS);
	buf_fini(&id);
	return found;
}

/* ---- From ---- */

/* Would receivers refuse or put aside what this author's domain has not signed? */
static bool policy_forbids(const struct dns_source *dns, struct arena *a, struct str header)
{
	struct str domain;
	struct dmarc_record r;

	if (!dns || !dmarc_author_domain(a, header, &domain) || dmarc_discover(dns, a, domain, &r) != 0 || r.testing)
		return false;
	return (str_ieq(r.domain, domain) ? r.p : r.sp) != DMARC_POLICY_NONE;
}

/* "Name via List" <list>, and the author where replies and readers find them. */
static int add_rewritten_from(struct str from, bool has_reply_to, const struct group *g, struct arena *a, struct buf *out)
{
	struct mime_address *authors;
	struct buf name = BUF_INIT(0);
	size_t n;
	int code = mime_addresses_parse(from, a, &authors, &n, NULL);

	if (code)
		return code;
	if (n)
		mime_words_decode(authors->name.n ? authors->name : authors->local, &name);
	buf_add_lit(&name, " via ");
	buf_add_str(&name, g->settings.description.n ? g->settings.description : local_of(g->name));
	buf_add_lit(out, "From: ");
	mime_encode_phrase(buf_str(&name), out);
	buf_printf(out, "\r\n <%.*s>\r\nX-Original-From:", STR_ARG(g->name));
	buf_add_str(out, from);
	if (!has_reply_to) {
		buf_add_lit(out, "\r\nReply-To:");
		buf_add_str(out, from);
	}
	buf_add_lit(out, "\r\n");
	code = name.failed ? ERR_NO_MEMORY : 0;
	buf_fini(&name);
	return code;
}

/* ---- the list's own fields ---- */

/* RFC 6068 2: what may not stand in a mailto: URI is encoded. */
static void add_mailto(struct buf *out, const char *field, struct str list, const char *suffix, const char *query)
{
	struct str local = local_of(list);

	buf_printf(out, "%s: <mailto:", field);
	for (size_t i = 0; i < local.n; i++) {
		unsigned char c = (unsigned char)local.p[i];
		if (ascii_is_alnum(c) || c == '-' || c == '.' || c == '_')
			buf_add_char(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
	buf_printf(out, "%s@%.*s%s>\r\n", suffix, STR_ARG(domain_of(list)), query);
}

static void add_list_fields(const struct group *g, struct buf *out)
{
	buf_add_lit(out, "List-Id: ");
	if (g->settings.description.n) {
		mime_encode_phrase(g->settings.description, out);
		buf_add_lit(out, "\r\n ");
	}
	add_list_id(out, g->name);
	buf_add_lit(out, "\r\n");
	if (g->settings.post == GROUP_POST_OWNERS || g->settings.post == GROUP_POST_LISTED)
		buf_add_lit(out, "List-Post: NO (only its owners write to this list)\r\n");      /* RFC 2369 3.4 */
	else
		add_mailto(out, "List-Post", g->name, "", "");
	add_mailto(out, "List-Help", g->name, "-request", "?subject=help");
	add_mailto(out, "List-Unsubscribe", g->name, "-request", "?subject=unsubscribe");
	add_mailto(out, "List-Owner", g->name, "-owner", "");
	buf_add_lit(out, "Precedence: list\r\n");
}

/* RFC 2369 4, RFC 2919 7: what another list said of itself is not true of ours. List-Archive stays. */
static bool is_anothers(struct str name)
{
	static const struct str names[] = {
		STR_INIT("List-Id"), STR_INIT("List-Post"), STR_INIT("List-Help"), STR_INIT("List-Subscribe"), STR_INIT("List-Unsubscribe"),
		STR_INIT("List-Unsubscribe-Post"), STR_INIT("List-Owner"), STR_INIT("Precedence") };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_ieq(name, names[i]))
			return true;
	return false;
}

int group_header_write(struct str header, const struct group *g, const struct dns_source *dns, struct arena *a, struct buf *out)
{
	const struct group_settings *s = &g->settings;
	struct mime_header_walk w = mime_header_walk(header);
	struct mime_header_field f;
	struct str from, unused;
	size_t at = 0;
	int code = 0;
	bool rewrite = s->rewrite_from && mime_header_find(header, STR("From"), &from) && policy_forbids(dns, a, header);
	bool has_reply_to = s->reply_to_list || mime_header_find(header, STR("Reply-To"), &unused);

	while (mime_header_next(&w, &f)) {
		bool drop = (!s->no_headers && is_anothers(f.name)) || (s->reply_to_list && str_ieq(f.name, STR("Reply-To"))) || (rewrite && str_ieq(f.name, STR("From")));
		if (!drop)
			continue;
		buf_add_str(out, str_sub(header, at, f.at - at));
		at = f.at + f.raw.n;
	}
	buf_add_str(out, str_from(header, at));
	if (out->n && out->p[out->n - 1] != '\n')
		buf_add_lit(out, "\r\n");
	if (rewrite)
		code = add_rewritten_from(from, has_reply_to, g, a, out);
	if (s->reply_to_list)
		buf_printf(out, "Reply-To: <%.*s>\r\n", STR_ARG(g->name));
	if (!s->no_headers)
		add_list_fields(g, out);
	buf_printf(out, LOOP_FIELD ": %.*s\r\n", STR_ARG(g->name));
	return code || out->failed || a->failed ? ERR_NO_MEMORY : 0;
}
