/* Mailboxes in responses: LIST, XLIST, LSUB, NAMESPACE, STATUS. */
#include "base/ascii.h"
#include "base/num.h"
#include "base/utf8.h"
#include "codec/imap/mutf7.h"
#include "codec/imap/response_priv.h"

static unsigned attribute(struct str name)
{
	static const struct { const char *name; unsigned bit; } known[] = {
		{ "\\All", IMAP_LIST_USE_ALL }, { "\\AllMail", IMAP_LIST_USE_ALL }, { "\\Archive", IMAP_LIST_USE_ARCHIVE }, { "\\Drafts", IMAP_LIST_USE_DRAFTS },
		{ "\\Flagged", IMAP_LIST_USE_FLAGGED }, { "\\Starred", IMAP_LIST_USE_FLAGGED }, { "\\Junk", IMAP_LIST_USE_JUNK }, { "\\Spam", IMAP_LIST_USE_JUNK },
		{ "\\Sent", IMAP_LIST_USE_SENT }, { "\\Trash", IMAP_LIST_USE_TRASH }, { "\\Important", IMAP_LIST_USE_IMPORTANT },
		{ "\\Noselect", IMAP_LIST_NOSELECT }, { "\\NonExistent", IMAP_LIST_NOSELECT }, { "\\Inbox", IMAP_LIST_INBOX }, { "\\Subscribed", IMAP_LIST_IS_SUBSCRIBED },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (str_ieq(name, str_from_c(known[i].name)))
			return known[i].bit;
	return 0;
}

static bool read_separator(struct words *w, char *out)
{
	struct str s;
	words_spaces(w);
	if (!words_string(w, &s) || s.n > 1)
		return words_fail(w);
	*out = s.n ? s.p[0] : '\0';
	return true;
}

bool imap_response_list(struct str rest, struct arena *a, struct imap_listed *out)
{
	struct words w = words_of(rest, a);
	*out = (struct imap_listed){ 0 };
	words_spaces(&w);
	if (!words_take(&w, '('))
		return false;
	for (words_spaces(&w); !words_take(&w, ')'); words_spaces(&w)) {
		struct str name = words_atom(&w);
		if (name.n == 0)
			return false;
		out->attributes |= attribute(name);
	}
	if (!read_separator(&w, &out->separator))
		return false;
	words_spaces(&w);
	/* A mailbox may be called NIL, or be an atom with brackets and parentheses: some servers do not quote. */
	int next = words_peek(&w);
	if (next == '"' || next == '{')
		return words_string(&w, &out->name) && out->name.n > 0;
	const char *from = w.p;
	while (words_peek(&w) >= 0 && words_peek(&w) != '\r' && words_peek(&w) != '\n')
		w.p++;
	out->name = str_trim(str_make(from, (size_t)(w.p - from)));
	return out->name.n > 0;
}

void imap_response_name(struct str wire, struct buf *out)
{
	if (imap_mutf7_decode(wire, out) == 0)
		return;
	for (size_t at = 0; at < wire.n;)
		utf8_add(out, utf8_next(wire, &at));
}

void imap_response_argument(struct str name, struct buf *out, bool *literal_out)
{
	*literal_out = false;
	for (size_t i = 0; i < name.n; i++)
		if (!ascii_is_print((unsigned char)name.p[i]))
			*literal_out = true;
	if (*literal_out) {
		buf_printf(out, "{%zu}", name.n);
		return;
	}
	buf_add_char(out, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, name.p[i]);
	}
	buf_add_char(out, '"');
}

/* One of the three: NIL, or a list of lists that begin with prefix and separator. */
static bool namespaces_of(struct words *w, unsigned char kind, struct imap_namespaces *out)
{
	words_spaces(w);
	if (!words_take(w, '('))
		return words_skip(w);
	for (words_spaces(w); !words_take(w, ')'); words_spaces(w)) {
		struct imap_namespace n = { .kind = kind };
		if (!words_take(w, '('))
			return false;
		words_spaces(w);
		if (!words_string(w, &n.prefix) || !read_separator(w, &n.separator))
			return false;
		for (words_spaces(w); !words_take(w, ')'); words_spaces(w))
			if (!words_skip(w))
				return false;
		if (out->n < IMAP_NAMESPACES_MAX)
			out->v[out->n++] = n;
	}
	return true;
}

bool imap_response_namespace(struct str rest, struct arena *a, struct imap_namespaces *out)
{
	struct words w = words_of(rest, a);
	out->n = 0;
	for (unsigned char kind = 0; kind < 3; kind++)
		if (!namespaces_of(&w, kind, out))
			return false;
	return true;
}

bool imap_response_mailbox_status(struct str rest, struct arena *a, struct str *name_out, uint32_t *messages_out)
{
	struct words w = words_of(rest, a);
	uint64_t n;
	bool found = false;
	words_spaces(&w);
	if (!words_string(&w, name_out))
		return false;
	words_spaces(&w);
	if (!words_take(&w, '('))
		return false;
	for (words_spaces(&w); !words_take(&w, ')'); words_spaces(&w)) {
		struct str item = words_atom(&w);
		words_spaces(&w);
		if (item.n == 0 || !(str_ieq(item, STR("MESSAGES")) ? words_number(&w, &n) && n <= UINT32_MAX : words_skip(&w)))
			return false;
		if (str_ieq(item, STR("MESSAGES"))) {
			*messages_out = (uint32_t)n;
			found = true;
		}
	}
	return found;
}
