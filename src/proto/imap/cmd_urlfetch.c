/* URLFETCH: RFC 4467, and with items RFC 5524. */
#include "proto/imap/commands.h"

#include "codec/imap/format.h"
#include "codec/imap/url_args.h"
#include "proto/common/url_access.h"
#include "proto/common/url_part.h"

/* Octets from here on go to the socket without another copy. */
#define LARGE_OCTETS ((size_t)32 << 10)

static void write_octets(struct imap_request *r, struct str octets)
{
	struct buf *out = conn_out(r->conn);
	bool nul = str_chr(octets, '\0') != STR_NPOS;
	buf_printf(out, "%s{%zu}\r\n", nul ? "~" : "", octets.n);
	if (octets.n < LARGE_OCTETS)
		buf_add_str(out, octets);
	else
		conn_write_large(r->conn, octets.p, octets.n);
}

static uint64_t count_lines(struct str s)
{
	uint64_t lines = 0;
	for (size_t i = 0; i < s.n; i++)
		lines += s.p[i] == '\n';
	return lines;
}

/* What is no part of its own (HEADER, TEXT, MIME) is told as the text that it is. */
static int write_structure(struct imap_request *r, struct url_part *p, bool binary)
{
	struct buf *out = conn_out(r->conn);
	struct mime_summary s;
	struct str octets;
	buf_add_lit(out, " (BODYPARTSTRUCTURE ");
	int rc = mime_summary_open(&s, p->summary);
	if (!rc && p->section.kind != IMAP_SECTION_ALL) {
		octets = url_part_octets(p);
		buf_printf(out, "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"8BIT\" %zu %llu)", octets.n, (unsigned long long)count_lines(octets));
	} else if (!rc) {
		bool decoded = binary && url_part_decoded(p, &octets);
		struct imap_decoded_size size = { decoded ? octets.n : 0, decoded ? count_lines(octets) : 0 };
		rc = imap_format_body_part(out, &s, p->section.path, p->section.path_count, decoded ? &size : NULL, imap_utf8(r->s));
	}
	buf_add_char(out, ')');
	return rc;
}

/* RFC 5524 3.2: the items, each in parentheses. A section that is no part has no encoding to take away. */
static int write_items(struct imap_request *r, struct url_part *p, unsigned items)
{
	struct buf *out = conn_out(r->conn);
	struct str octets;
	int rc = 0;
	if (items & IMAP_URLFETCH_STRUCTURE)
		rc = write_structure(r, p, items & IMAP_URLFETCH_BINARY);
	if (items & IMAP_URLFETCH_BODY) {
		buf_add_lit(out, " (BODY ");
		write_octets(r, url_part_octets(p));
		buf_add_char(out, ')');
	}
	if (items & IMAP_URLFETCH_BINARY) {
		buf_add_lit(out, " (BINARY ");
		if (p->section.kind != IMAP_SECTION_ALL)
			write_octets(r, url_part_octets(p));
		else if (url_part_decoded(p, &octets))
			write_octets(r, octets);
		else
			buf_add_lit(out, "NIL");
		buf_add_char(out, ')');
	}
	return p->scratch.failed ? ERR_NO_MEMORY : rc;
}

static bool is_refusal(int rc) { return rc == ERR_DENIED || rc == ERR_NOT_FOUND || rc == ERR_INVALID; }

/* One response. 0, or a failure of ours: then it may be cut short. */
static int answer(struct imap_request *r, const struct imap_urlfetch *f)
{
	struct imap_session *s = r->s;
	struct buf *out = conn_out(r->conn);
	struct url_asker who = { .user = conn_user(r->conn), .submits_for_all = mail_config_lists(s->config->imap_submit_users, conn_user(r->conn)) };
	struct url_access access = { .holder = NULL };
	struct url_part part = { .scratch = BUF_INIT(0) };
	struct imap_url url;
	const char *why;
	int rc = imap_url_parse(f->url, r->arena, &url, &why);
	if (!rc)
		rc = url_access_open(s->services, r->arena, &url, &who, &access);
	if (!rc)
		rc = url_part_open(access.holder, access.mailbox, &url, r->arena, &part);
	if (!rc || is_refusal(rc)) {
		buf_add_lit(out, "* URLFETCH ");
		imap_format_astring(out, f->url, imap_utf8(s));
		if (rc || (f->items && part.located.nil))
			buf_add_lit(out, " NIL");
		else if (part.located.nil)
			buf_add_lit(out, " \"\"");        /* RFC 4467 8: valid, but there is nothing */
		else if (f->items)
			rc = write_items(r, &part, f->items);
		else {
			buf_add_char(out, ' ');
			write_octets(r, url_part_octets(&part));
		}
		/* What was begun is not ended: nobody may take it for whole. */
		if (!rc && !url_part_intact(&part))
			imap_break_off(s);
		buf_add_lit(out, "\r\n");
	}
	url_part_close(&part);
	url_access_close(&access);
	return is_refusal(rc) ? 0 : rc;
}

enum imap_result imap_cmd_urlfetch(struct imap_request *r)
{
	struct imap_urlfetch *v;
	size_t n;
	if (!imap_urlfetch_args(&r->args, &v, &n))
		return imap_bad_args(r);
	int rc = 0;
	for (size_t i = 0; !rc && i < n; i++) {
		rc = answer(r, &v[i]);
		if (!rc)
			rc = conn_out_check(r->conn);
	}
	return rc ? imap_error(r, rc, NULL) : imap_ok(r, "URLFETCH completed");
}
