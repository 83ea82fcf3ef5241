#include "codec/dsn/parse.h"

#include "base/err.h"
#include "base/utf8.h"
#include "codec/dsn/clean.h"
#include "codec/dsn/limits.h"
#include "codec/mime/header.h"
#include "codec/mime/message.h"
#include "codec/mime/transfer.h"

/* The fields of one group, between blank lines: the message's, or those of a recipient. */
struct group {
	struct str reporting_mta, envid, final, original, action, status, diagnostic;
};

static const struct { struct str name; size_t at; } known[] = {
	{ STR_INIT("Reporting-MTA"), offsetof(struct group, reporting_mta) }, { STR_INIT("Original-Envelope-Id"), offsetof(struct group, envid) },
	{ STR_INIT("Final-Recipient"), offsetof(struct group, final) }, { STR_INIT("Original-Recipient"), offsetof(struct group, original) },
	{ STR_INIT("Action"), offsetof(struct group, action) }, { STR_INIT("Status"), offsetof(struct group, status) },
	{ STR_INIT("Diagnostic-Code"), offsetof(struct group, diagnostic) },
};

static struct str unfold(struct arena *a, struct str body)
{
	struct buf b = BUF_INIT(0);

	if (mime_header_is_plain(body))
		return str_trim(body);
	mime_header_unfold(body, &b);
	struct str s = arena_dup(a, buf_str(&b));
	buf_fini(&b);
	return s;
}

/* Reads the group at the start of *rest, which moves behind it and the blank line. Lines that are no fields are passed over; the first of repeated
 * fields counts. */
static void take_group(struct arena *a, struct str *rest, struct group *out)
{
	struct mime_header_field f;
	struct str line;

	*out = (struct group){ .final = STR_NONE };
	for (bool blank = false; !blank && rest->n;) {
		struct mime_header_walk w = mime_header_walk(*rest);
		while (mime_header_next(&w, &f))
			for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
				struct str *to = (struct str *)(void *)((char *)out + known[i].at);
				if (!to->n && str_ieq(f.name, known[i].name))
					*to = unfold(a, f.body);
			}
		*rest = str_from(*rest, w.at);
		blank = w.blank;
		if (!blank)
			str_cut(*rest, '\n', &line, rest);
	}
}

/* "rfc822; user@example.org": the type may be missing. */
static struct str without_type(struct arena *a, struct str value)
{
	struct str type, rest;
	struct buf decoded = BUF_INIT(0);

	if (!str_cut(value, ';', &type, &rest))
		return value;
	rest = str_trim(rest);
	if (str_ieq(str_trim(type), STR("utf-8")) && str_chr(rest, '\\') != STR_NPOS && dsn_unitext_decode(rest, &decoded))
		rest = arena_dup(a, buf_str(&decoded));
	buf_fini(&decoded);
	/* "rfc822; <user@example.org>" is common */
	if (rest.n > 2 && rest.p[0] == '<' && rest.p[rest.n - 1] == '>')
		rest = str_sub(rest, 1, rest.n - 2);
	return rest;
}

/* The word before a blank or a comment. */
static struct str first_word(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t' && s.p[n] != '(')
		n++;
	return str_sub(s, 0, n);
}

/* False: neither an action nor a status can be read. */
static bool read_outcome(const struct group *g, struct dsn_report_recipient *out)
{
	static const unsigned char least[] = { [DSN_FAILED] = 5, [DSN_DELAYED] = 4, [DSN_DELIVERED] = 2, [DSN_RELAYED] = 2, [DSN_EXPANDED] = 2 };
	struct str action = first_word(g->action);
	bool has_status = smtp_status_parse(first_word(g->status), &out->status);

	for (enum dsn_action i = DSN_FAILED; i <= DSN_EXPANDED; i++)
		if (str_ieq(action, str_from_c(dsn_action_text(i)))) {
			out->action = i;
			if (!has_status)
				out->status = (struct smtp_status){ least[i], 0, 0 };
			return true;
		}
	if (has_status)
		out->action = out->status.class == 5 ? DSN_FAILED : out->status.class == 4 ? DSN_DELAYED : DSN_DELIVERED;
	return has_status;
}

static int add_recipient(struct arena *a, const struct group *g, struct dsn_report *out, size_t *cap)
{
	struct dsn_report_recipient r = { .original = without_type(a, g->original), .address = without_type(a, g->final),
									  .diagnostic = without_type(a, g->diagnostic) };

	if ((!r.address.n && !r.original.n) || !read_outcome(g, &r) || out->n == DSN_RECIPIENTS_READ_MAX)
		return 0;
	if (out->n == *cap) {
		size_t more = *cap ? 2 * *cap : 4;
		struct dsn_report_recipient *grown = arena_array(a, more, sizeof *grown);
		if (!grown)
			return ERR_NO_MEMORY;
		if (out->n)
			memcpy(grown, out->recipients, out->n * sizeof *grown);
		out->recipients = grown;
		*cap = more;
	}
	out->recipients[out->n++] = r;
	return 0;
}

static bool is_status(const struct mime_part *p)
{
	return str_ieq(p->type.type, STR("message")) &&
		   (str_ieq(p->type.subtype, STR("delivery-status")) || str_ieq(p->type.subtype, STR("global-delivery-status")));
}

/* The first one that is not inside of an attached message. */
static const struct mime_part *find_status(const struct mime_message *m)
{
	for (uint32_t i = 0; i < m->part_count; i++) {
		uint32_t up = i;
		while (up && m->part[up].kind != MIME_EMBEDDED)
			up = m->part[up].parent;
		if (m->part[up].kind != MIME_EMBEDDED && is_status(&m->part[i]))
			return &m->part[i];
	}
	return NULL;
}

int dsn_parse(struct str message, struct arena *a, struct dsn_report *out)
{
	struct mime_message m;
	struct buf decoded = BUF_INIT(DSN_MESSAGE_MAX);
	size_t cap = 0;
	int code = mime_message_parse(message, a, &m);

	*out = (struct dsn_report){ .n = 0 };
	if (code)
		return code;
	const struct mime_part *part = find_status(&m);
	if (!part)
		return ERR_NOT_FOUND;
	mime_transfer_decode(part->encoding, mime_part_body(&m, part), &decoded);
	struct str rest = arena_dup(a, buf_str(&decoded));
	buf_fini(&decoded);
	while (code == 0 && rest.n) {
		struct group g;
		take_group(a, &rest, &g);
		if (!out->reporting_mta.n)
			out->reporting_mta = without_type(a, g.reporting_mta);
		if (!out->envid.n)
			out->envid = g.envid;
		code = add_recipient(a, &g, out, &cap);
	}
	if (code || a->failed)
		return ERR_NO_MEMORY;
	return out->n ? 0 : ERR_NOT_FOUND;
}
