#include "codec/imap/list_args.h"

#include "base/ascii.h"
#include "codec/imap/metadata_args.h"
#include "codec/imap/status_att.h"

static size_t wildcards(struct str pattern)
{
	size_t n = 0;
	for (size_t i = 0; i < pattern.n; i++)
		n += pattern.p[i] == '*' || pattern.p[i] == '%';
	return n;
}

static bool pattern_fits(struct imap_cursor *c, struct str pattern)
{
	return (pattern.n <= IMAP_LIST_PATTERN_MAX && wildcards(pattern) <= IMAP_LIST_WILDCARDS_MAX)
		   || imap_fail(c, "The mailbox pattern is too long");
}

/* The canonical pattern: the reference in front of it as it is. */
static bool add_pattern(struct imap_cursor *c, struct imap_list *list, struct str pattern)
{
	if (list->pattern_count == IMAP_LIST_PATTERNS_MAX)
		return imap_fail(c, "Too many mailbox patterns");
	if (!list->pattern && !(list->pattern = arena_array(c->arena, IMAP_LIST_PATTERNS_MAX, sizeof(*list->pattern))))
		return imap_fail(c, "Out of memory");
	if (pattern.n && list->reference.n) {
		pattern = arena_printf(c->arena, "%.*s%.*s", STR_ARG(list->reference), STR_ARG(pattern));
		if (!pattern.p)
			return imap_fail(c, "Out of memory");
	}
	/* Each of these costs its length times that of each name: all together no more than one of them may. */
	list->wild_bytes += wildcards(pattern) ? pattern.n : 0;
	if (!pattern_fits(c, pattern) || list->wild_bytes > IMAP_LIST_PATTERN_MAX)
		return imap_fail(c, "The mailbox pattern is too long");
	/* RFC 5258 3: in an extended LIST an empty name is ignored for the purpose of matching. */
	if (pattern.n || !list->extended)
		list->pattern[list->pattern_count++] = pattern;
	return true;
}

static bool reference(struct imap_cursor *c, struct imap_list *out)
{
	return imap_mailbox(c, &out->reference) && pattern_fits(c, out->reference) && imap_sp(c);
}

/* ---- options ---- */

struct option {
	const char *name;
	unsigned bit;
};

/* "(" [word *(SP word)] ")". `argument` reads what stands behind the word of that bit; may be NULL. */
static bool options(struct imap_cursor *c, const struct option *known, size_t n, struct imap_list *list,
					bool (*argument)(struct imap_cursor *, unsigned, struct imap_list *), unsigned *out)
{
	if (!imap_expect(c, '(', "A list of LIST options must begin with a parenthesis"))
		return false;
	if (imap_take(c, ')'))
		return true;
	do {
		size_t i = 0;
		while (i < n && !imap_take_word(c, known[i].name))
			i++;
		/* RFC 5258 3: BAD to options that are not recognized; one that is repeated counts once. */
		if (i == n)
			return imap_fail(c, "Unknown LIST option");
		*out |= known[i].bit;
		if (argument && !argument(c, known[i].bit, list))
			return false;
	} while (imap_take(c, ' '));
	return imap_expect(c, ')', "A list of LIST options must end with a parenthesis");
}

static bool select_options(struct imap_cursor *c, struct imap_list *out)
{
	static const struct option known[] = {
		{ "SUBSCRIBED", IMAP_LIST_SUBSCRIBED }, { "REMOTE", IMAP_LIST_REMOTE },
		{ "RECURSIVEMATCH", IMAP_LIST_RECURSIVE }, { "SPECIAL-USE", IMAP_LIST_SPECIAL_USE },
	};
	if (!options(c, known, sizeof(known) / sizeof(known[0]), out, NULL, &out->select))
		return false;
	/* RFC 5258 3.1 */
	if (out->select & IMAP_LIST_RECURSIVE && !(out->select & IMAP_LIST_BASE))
		return imap_fail(c, "RECURSIVEMATCH needs another selection option");
	if (out->select & IMAP_LIST_SUBSCRIBED)
		out->returns |= IMAP_LIST_RETURN_SUBSCRIBED;
	return true;
}

static bool return_argument(struct imap_cursor *c, unsigned bit, struct imap_list *list)
{
	if (bit == IMAP_LIST_RETURN_METADATA)
		return imap_sp(c) && imap_metadata_entries(c, &list->entry, &list->entry_count);
	if (bit != IMAP_LIST_RETURN_STATUS)
		return true;
	uint32_t items;
	if (!imap_sp(c) || !imap_status_list(c, &items))
		return false;
	list->status |= items;
	return true;
}

static bool return_options(struct imap_cursor *c, struct imap_list *out)
{
	static const struct option known[] = {
		{ "SUBSCRIBED", IMAP_LIST_RETURN_SUBSCRIBED }, { "CHILDREN", IMAP_LIST_RETURN_CHILDREN },
		{ "SPECIAL-USE", IMAP_LIST_RETURN_SPECIAL_USE }, { "STATUS", IMAP_LIST_RETURN_STATUS },
		{ "MYRIGHTS", IMAP_LIST_RETURN_MYRIGHTS },
		{ "METADATA", IMAP_LIST_RETURN_METADATA },
	};
	if (!imap_sp(c))
		return false;
	if (!imap_take_word(c, "RETURN"))
		return imap_fail(c, "Expected RETURN");
	return imap_sp(c) && options(c, known, sizeof(known) / sizeof(known[0]), out, return_argument, &out->returns);
}

/* ---- the commands ---- */

/* patterns = "(" list-mailbox *(SP list-mailbox) ")" */
static bool patterns(struct imap_cursor *c, struct imap_list *out)
{
	struct str pattern;
	do {
		if (!imap_list_mailbox(c, &pattern) || !add_pattern(c, out, pattern))
			return false;
	} while (imap_take(c, ' '));
	return imap_expect(c, ')', "A list of patterns must end with a parenthesis");
}

bool imap_list_args(struct imap_cursor *c, struct imap_list *out)
{
	*out = (struct imap_list){ .extended = imap_peek(c) == '(' };
	if ((out->extended && !(select_options(c, out) && imap_sp(c))) || !reference(c, out))
		return false;
	struct str single = STR_NONE;
	bool many = imap_take(c, '(');
	out->extended = out->extended || many;
	if (many ? !patterns(c, out) : !imap_list_mailbox(c, &single))
		return false;
	if (imap_peek(c) == ' ') {
		out->extended = true;
		if (!return_options(c, out))
			return false;
	}
	return (many || add_pattern(c, out, single)) && imap_end(c);
}

bool imap_lsub_args(struct imap_cursor *c, struct imap_list *out)
{
	struct str pattern;
	*out = (struct imap_list){ .extended = false };
	return reference(c, out) && imap_list_mailbox(c, &pattern) && add_pattern(c, out, pattern) && imap_end(c);
}

/* ---- matching ---- */

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
	/* Most patterns of a list are plain names. */
	if (pattern.n == name.n && str_eq(pattern, name))
		return true;
	/* What has more letters than the name cannot match it: that bounds the loop below. */
	if (name.n > IMAP_LIST_NAME_MAX || pattern.n - wildcards(pattern) > name.n)
		return false;
	str_cut(name, separator, &first, &rest);
	struct reach r;
	r.name = name;
	r.separator = separator;
	r.inbox_n = str_eq(first, STR("INBOX")) ? first.n : 0;
	memset(r.at, 0, name.n + 1);
	r.at[0] = true;
	for (size_t i = 0; i < pattern.n; i++)
		if (!step(&r, pattern.p[i]))
			return false;
	return r.at[name.n];
}

bool imap_list_match_any(const struct imap_list *list, struct str name, char separator)
{
	for (size_t i = 0; i < list->pattern_count; i++)
		if (imap_list_match(list->pattern[i], name, separator))
			return true;
	return false;
}
