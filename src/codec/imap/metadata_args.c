#include "codec/imap/metadata_args.h"

#include "base/ascii.h"

/* ---- names ---- */

static const struct str private_scope = STR_INIT("/private"), shared_scope = STR_INIT("/shared"), vendor = STR_INIT("vendor");

static bool begins_with(struct str name, struct str first)
{
	return str_istarts(name, first) && (name.n == first.n || name.p[first.n] == '/');
}

bool imap_metadata_is_private(struct str entry) { return begins_with(entry, private_scope); }

bool imap_metadata_matches(struct str entry, enum imap_metadata_depth depth, struct str name)
{
	if (str_ieq(entry, name))
		return true;
	if (depth == IMAP_DEPTH_0 || !begins_with(name, entry))
		return false;
	return depth == IMAP_DEPTH_INFINITY || str_chr(str_from(name, entry.n + 1), '/') == STR_NPOS;
}

/* RFC 5464 3.2: no "*" and "%", no octets from 0x00 to 0x19, ASCII only, no empty component. */
static const char *wrong_octets(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char ch = (unsigned char)name.p[i];
		if (ch == '*' || ch == '%' || ch <= 0x19 || ch >= 0x7f)
			return "An entry name has a character that is not allowed";
		if (ch == '/' && (i + 1 == name.n || name.p[i + 1] == '/'))
			return "An entry name has an empty component";
	}
	return NULL;
}

/* 3.2: two components at least, four in a vendor's. */
static bool is_whole(struct str name)
{
	struct str parts[4], rest = str_from(name, 1);
	size_t n = 0;
	for (bool more = true; more && n < 4; n++)
		more = str_cut(rest, '/', &parts[n], &rest);
	return n >= (n > 1 && str_ieq(parts[1], vendor) ? 4 : 2);
}

static bool entry(struct imap_cursor *c, bool whole, struct str *out)
{
	if (!imap_astring(c, out))
		return false;
	if (out->n > IMAP_METADATA_NAME_MAX)
		return imap_fail(c, "An entry name is too long");
	if (!begins_with(*out, private_scope) && !begins_with(*out, shared_scope))
		return imap_fail(c, "An entry name must begin with /private or /shared");
	const char *wrong = wrong_octets(*out);
	if (wrong)
		return imap_fail(c, wrong);
	return !whole || is_whole(*out) || imap_fail(c, "An entry name has too few components");
}

/* ---- GETMETADATA ---- */

static bool add_entry(struct imap_cursor *c, struct str **v, size_t *count)
{
	if (!*v && !(*v = arena_array(c->arena, IMAP_METADATA_ENTRIES_MAX, sizeof(**v))))
		return imap_fail(c, "Out of memory");
	if (*count == IMAP_METADATA_ENTRIES_MAX)
		return imap_fail(c, "Too many entries");
	return entry(c, false, &(*v)[(*count)++]);
}

/* Behind "(". */
static bool entries(struct imap_cursor *c, struct str **v, size_t *count)
{
	do {
		if (!add_entry(c, v, count))
			return false;
	} while (imap_take(c, ' '));
	return imap_expect(c, ')', "A list of entries must end with a parenthesis");
}

bool imap_metadata_entries(struct imap_cursor *c, struct str **out, size_t *count_out)
{
	*out = NULL;
	*count_out = 0;
	return imap_expect(c, '(', "A list of entries must begin with a parenthesis") && entries(c, out, count_out);
}

static bool depth(struct imap_cursor *c, enum imap_metadata_depth *out)
{
	static const char *const words[] = { [IMAP_DEPTH_0] = "0", [IMAP_DEPTH_1] = "1", [IMAP_DEPTH_INFINITY] = "infinity" };
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (imap_take_word(c, words[i])) {
			*out = (enum imap_metadata_depth)i;
			return true;
		}
	}
	return imap_fail(c, "DEPTH is 0, 1 or infinity");
}

/* Takes one option if it is there. */
static bool take_option(struct imap_cursor *c, struct imap_get_metadata *out)
{
	if (imap_take_word(c, "MAXSIZE")) {
		out->has_maxsize = imap_sp(c) && imap_number(c, &out->maxsize);
		return out->has_maxsize;
	}
	return imap_take_word(c, "DEPTH") && imap_sp(c) && depth(c, &out->depth);
}

/* Behind "(": options to ")". */
static bool more_options(struct imap_cursor *c, struct imap_get_metadata *out)
{
	do {
		if (!take_option(c, out))
			return imap_fail(c, "Unknown GETMETADATA option");
	} while (imap_take(c, ' '));
	return imap_expect(c, ')', "A list of options must end with a parenthesis") && imap_sp(c);
}

bool imap_get_metadata_args(struct imap_cursor *c, struct imap_get_metadata *out)
{
	*out = (struct imap_get_metadata){ .depth = IMAP_DEPTH_0 };
	bool options = imap_take(c, '(');
	if ((options && !more_options(c, out)) || !imap_mailbox(c, &out->mailbox) || !imap_sp(c))
		return false;
	bool list = imap_take(c, '(');
	/* An entry begins with a slash, or a quote or brace before it. */
	if (list && !options && ascii_is_alpha(imap_peek(c))) {
		if (!more_options(c, out))
			return false;
		list = imap_take(c, '(');
	}
	if (list)
		return entries(c, &out->entry, &out->count) && imap_end(c);
	do {
		if (!add_entry(c, &out->entry, &out->count))
			return false;
	} while (imap_take(c, ' '));
	return imap_end(c);
}

/* ---- SETMETADATA ---- */

/* nstring / literal8 */
static bool value(struct imap_cursor *c, struct str *out)
{
	bool binary;
	return imap_peek(c) == '~' ? imap_string8(c, out, &binary) : imap_nstring(c, out);
}

bool imap_set_metadata_args(struct imap_cursor *c, struct imap_set_metadata *out)
{
	*out = (struct imap_set_metadata){ .count = 0 };
	if (!imap_mailbox(c, &out->mailbox) || !imap_sp(c) || !imap_expect(c, '(', "A list of entries and values must begin with a parenthesis"))
		return false;
	out->v = arena_array(c->arena, IMAP_METADATA_ENTRIES_MAX, sizeof(*out->v));
	if (!out->v)
		return imap_fail(c, "Out of memory");
	do {
		if (out->count == IMAP_METADATA_ENTRIES_MAX)
			return imap_fail(c, "Too many entries");
		struct imap_metadata_value *v = &out->v[out->count++];
		if (!entry(c, true, &v->name) || !imap_sp(c) || !value(c, &v->value))
			return false;
	} while (imap_take(c, ' '));
	return imap_expect(c, ')', "A list of entries and values must end with a parenthesis") && imap_end(c);
}
