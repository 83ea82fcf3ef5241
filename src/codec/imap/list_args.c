#include "codec/imap/list_args.h"

#include "base/ascii.h"

static size_t wildcards(struct str pattern)
{
	size_t n = 0;
	for (size_t i = 0; i < pattern.n; i++)
		n += pattern.p[i] == '*' || pattern.p[i] == '%';
	return n;
}

bool imap_list_args(struct imap_cursor *c, struct imap_list *out)
{
	if (!imap_mailbox(c, &out->reference) || !imap_sp(c) || !imap_list_mailbox(c, &out->pattern))
		return false;
	if (out->reference.n > IMAP_LIST_PATTERN_MAX || out->pattern.n > IMAP_LIST_PATTERN_MAX ||
	    wildcards(out->pattern) > IMAP_LIST_WILDCARDS_MAX)
		return imap_fail(c, "The mailbox pattern is too long");
	return true;
}

/* Which prefixes of the name the pattern so far can take. */
struct reach {
	struct str name;
	char separator;
	size_t inbox_n;                            /* bytes in front that match without case */
	bool at[IMAP_LIST_NAME_MAX + 1];
};

static bool same(const struct reach *r, size_t i, char c)
{
	return r->name.p[i] == c || (i < r->inbox_n && ascii_upper((unsigned char)c) == r->name.p[i]);
}

/* Takes one character of the pattern; false when nothing can be reached any more. */
static bool step(struct reach *r, char c)
{
	bool any = false;
	if (c == '*' || c == '%') {
		for (size_t i = 0; i < r->name.n; i++)
			r->at[i + 1] |= r->at[i] && (c == '*' || r->name.p[i] != r->separator);
		return true;
	}
	for (size_t i = r->name.n; i > 0; i--) {
		r->at[i] = r->at[i - 1] && same(r, i - 1, c);
		any |= r->at[i];
	}
	r->at[0] = false;
	return any;
}

bool imap_list_match(struct str pattern, struct str name, char separator)
{
	struct str first, rest;
	/* What has more letters than the name cannot match it: that bounds the loop below. */
	if (name.n > IMAP_LIST_NAME_MAX || pattern.n - wildcards(pattern) > name.n)
		return false;
	str_cut(name, separator, &first, &rest);
	struct reach r = { .name = name, .separator = separator, .inbox_n = str_eq(first, STR("INBOX")) ? first.n : 0 };
	r.at[0] = true;
	for (size_t i = 0; i < pattern.n; i++)
		if (!step(&r, pattern.p[i]))
			return false;
	return r.at[name.n];
}
