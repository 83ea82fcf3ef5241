#include "codec/imap/search_key.h"

#include "base/ascii.h"
#include "base/err.h"
#include "codec/mime/charset.h"

/* What follows the name of a key. */
enum argument {
	NOTHING,
	TEXT,            /* astring */
	NAME_AND_TEXT,
	NAME,            /* flag-keyword */
	OBJECT_ID,
	NUMBER,
	SECONDS,         /* nz-number */
	DAY_BEFORE, DAY_ON, DAY_SINCE,
	UIDS,
	MODSEQ,
	KEY,
	TWO_KEYS,
	UIDS_AFTER, UIDS_BEFORE,
};

/* RFC 3501 6.4.4 and 9; RFC 7162 3.1.5; RFC 5032 3; RFC 6203 7; RFC 8474 6; RFC 9738 3.2; RFC 8514 4.3 (every mailbox has save dates). */
static const struct key {
	const char *name;
	enum imap_search_kind kind;
	enum argument argument;
	bool negated;
	enum imap_flag flag;
} keys[] = {
	{ "ALL", IMAP_SEARCH_ALL, NOTHING, false, 0 },
	{ "ANSWERED", IMAP_SEARCH_FLAG, NOTHING, false, IMAP_ANSWERED },
	{ "BCC", IMAP_SEARCH_BCC, TEXT, false, 0 },
	{ "BEFORE", IMAP_SEARCH_DATE, DAY_BEFORE, false, 0 },
	{ "BODY", IMAP_SEARCH_BODY, TEXT, false, 0 },
	{ "CC", IMAP_SEARCH_CC, TEXT, false, 0 },
	{ "DELETED", IMAP_SEARCH_FLAG, NOTHING, false, IMAP_DELETED },
	{ "DRAFT", IMAP_SEARCH_FLAG, NOTHING, false, IMAP_DRAFT },
	{ "EMAILID", IMAP_SEARCH_EMAILID, OBJECT_ID, false, 0 },
	{ "FLAGGED", IMAP_SEARCH_FLAG, NOTHING, false, IMAP_FLAGGED },
	{ "FROM", IMAP_SEARCH_FROM, TEXT, false, 0 },
	{ "FUZZY", IMAP_SEARCH_ALL, KEY, false, 0 },
	{ "HEADER", IMAP_SEARCH_HEADER, NAME_AND_TEXT, false, 0 },
	{ "KEYWORD", IMAP_SEARCH_KEYWORD, NAME, false, 0 },
	{ "LARGER", IMAP_SEARCH_LARGER, NUMBER, false, 0 },
	{ "MODSEQ", IMAP_SEARCH_MODSEQ, MODSEQ, false, 0 },
	{ "NEW", IMAP_SEARCH_RECENT, NOTHING, false, IMAP_SEEN },       /* and not \Seen: see parse_new */
	{ "NOT", IMAP_SEARCH_ALL, KEY, true, 0 },
	{ "OLD", IMAP_SEARCH_RECENT, NOTHING, true, 0 },
	{ "OLDER", IMAP_SEARCH_OLDER, SECONDS, false, 0 },
	{ "ON", IMAP_SEARCH_DATE, DAY_ON, false, 0 },
	{ "OR", IMAP_SEARCH_OR, TWO_KEYS, false, 0 },
	{ "RECENT", IMAP_SEARCH_RECENT, NOTHING, false, 0 },
	{ "SAVEDATESUPPORTED", IMAP_SEARCH_ALL, NOTHING, false, 0 },
	{ "SAVEDBEFORE", IMAP_SEARCH_SAVED, DAY_BEFORE, false, 0 },
	{ "SAVEDON", IMAP_SEARCH_SAVED, DAY_ON, false, 0 },
	{ "SAVEDSINCE", IMAP_SEARCH_SAVED, DAY_SINCE, false, 0 },
	{ "SEEN", IMAP_SEARCH_FLAG, NOTHING, false, IMAP_SEEN },
	{ "SENTBEFORE", IMAP_SEARCH_SENT, DAY_BEFORE, false, 0 },
	{ "SENTON", IMAP_SEARCH_SENT, DAY_ON, false, 0 },
	{ "SENTSINCE", IMAP_SEARCH_SENT, DAY_SINCE, false, 0 },
	{ "SINCE", IMAP_SEARCH_DATE, DAY_SINCE, false, 0 },
	{ "SMALLER", IMAP_SEARCH_SMALLER, NUMBER, false, 0 },
	{ "SUBJECT", IMAP_SEARCH_SUBJECT, TEXT, false, 0 },
	{ "TEXT", IMAP_SEARCH_TEXT, TEXT, false, 0 },
	{ "THREADID", IMAP_SEARCH_THREADID, OBJECT_ID, false, 0 },
	{ "TO", IMAP_SEARCH_TO, TEXT, false, 0 },
	{ "UID", IMAP_SEARCH_UIDSET, UIDS, false, 0 },
	{ "UIDAFTER", IMAP_SEARCH_UIDSET, UIDS_AFTER, false, 0 },
	{ "UIDBEFORE", IMAP_SEARCH_UIDSET, UIDS_BEFORE, false, 0 },
	{ "UNANSWERED", IMAP_SEARCH_FLAG, NOTHING, true, IMAP_ANSWERED },
	{ "UNDELETED", IMAP_SEARCH_FLAG, NOTHING, true, IMAP_DELETED },
	{ "UNDRAFT", IMAP_SEARCH_FLAG, NOTHING, true, IMAP_DRAFT },
	{ "UNFLAGGED", IMAP_SEARCH_FLAG, NOTHING, true, IMAP_FLAGGED },
	{ "UNKEYWORD", IMAP_SEARCH_KEYWORD, NAME, true, 0 },
	{ "UNSEEN", IMAP_SEARCH_FLAG, NOTHING, true, IMAP_SEEN },
	{ "YOUNGER", IMAP_SEARCH_YOUNGER, SECONDS, false, 0 },
};

struct parser {
	struct imap_cursor *c;
	struct imap_search *search;
	struct str charset;              /* of the strings; empty: UTF-8 or ASCII */
	struct mime_charset converter;
	struct buf converted;
	const struct imap_search_filters *filters;     /* NULL: FILTER is no key */
	unsigned filtered;               /* filters in each other */
	int failed;                      /* of a filter: what is answered instead of ERR_INVALID */
	unsigned depth;
	unsigned count;
};

static bool parse_key(struct parser *p, struct imap_search_key **out);

static struct imap_search_key *key_new(struct parser *p, enum imap_search_kind kind)
{
	struct imap_search_key *k = NULL;
	if (p->count++ == IMAP_SEARCH_KEYS_MAX)
		imap_fail(p->c, "Too many search keys");
	else if (!(k = arena_new(p->c->arena, struct imap_search_key)))
		imap_fail(p->c, "Out of memory");
	if (k)
		k->kind = kind;
	return k;
}

/* ---- arguments ---- */

static bool text(struct parser *p, struct str *out)
{
	struct str raw;
	if (!imap_astring(p->c, &raw))
		return false;
	if (raw.n > IMAP_SEARCH_TEXT_MAX)
		return imap_fail(p->c, "A search string is too long");
	buf_reset(&p->converted);
	/* The charset is known: imap_search_args asked. */
	mime_charset_to_utf8(&p->converter, p->charset, raw, &p->converted);
	*out = arena_dup(p->c->arena, buf_str(&p->converted));
	if (p->converted.failed || (!out->p && p->converted.n))
		return imap_fail(p->c, "Out of memory");
	return out->n <= IMAP_SEARCH_TEXT_MAX || imap_fail(p->c, "A search string is too long");
}

static bool days(struct parser *p, enum argument which, struct imap_search_key *k)
{
	int64_t day;
	if (!imap_date(p->c, &day))
		return false;
	k->day_from = which == DAY_BEFORE ? IMAP_SEARCH_DAY_MIN : day;
	k->day_until = which == DAY_BEFORE ? day : which == DAY_ON ? day + 1 : IMAP_SEARCH_DAY_MAX;
	return true;
}

/* [entry-name SP entry-type-req SP] mod-sequence-valzer: flags have no modseqs of their own here, so the entry is
 * ignored, as RFC 7162 3.1.5 wants it then. */
static bool modseq(struct parser *p, struct imap_search_key *k)
{
	struct str entry;
	p->search->has_modseq = true;
	if (imap_peek(p->c) == '"') {
		if (!imap_string(p->c, &entry) || !imap_sp(p->c))
			return false;
		if (!imap_take_word(p->c, "priv") && !imap_take_word(p->c, "shared") && !imap_take_word(p->c, "all"))
			return imap_fail(p->c, "MODSEQ wants priv, shared or all");
		if (!imap_sp(p->c))
			return false;
	}
	return imap_number64(p->c, &k->number);
}

static bool seconds(struct parser *p, struct imap_search_key *k)
{
	uint32_t n;
	bool ok = imap_nz_number(p->c, &n);
	k->number = ok ? n : 0;
	return ok;
}

/* RFC 8474 7: objectid = 1*255(ALPHA / DIGIT / "_" / "-") */
static bool object_id(struct parser *p, struct str *out)
{
	if (!imap_atom(p->c, out))
		return false;
	for (size_t i = 0; i < out->n; i++)
		if (!ascii_is_alnum(out->p[i]) && out->p[i] != '_' && out->p[i] != '-')
			return imap_fail(p->c, "Not an object identifier");
	return out->n <= IMAP_OBJECT_ID_MAX || imap_fail(p->c, "An object identifier is too long");
}

/* RFC 9738 3.2. A set of nothing when there can be none. */
static bool uids_beside(struct parser *p, enum argument which, struct imap_search_key *k)
{
	uint32_t uid;
	if (!imap_nz_number(p->c, &uid))
		return false;
	struct range range = which == UIDS_AFTER ? (struct range){ uid < UINT32_MAX ? uid + 1 : 1, UINT32_MAX } : (struct range){ 1, uid - 1 };
	k->set = (struct imap_seqset){ .range = arena_new(p->c->arena, struct range) };
	if (!k->set.range)
		return imap_fail(p->c, "Out of memory");
	*k->set.range = range;
	k->set.count = which == UIDS_AFTER ? uid < UINT32_MAX : uid > 1;
	return true;
}

static bool argument(struct parser *p, enum argument which, struct imap_search_key *k)
{
	switch (which) {
	case NOTHING:
		return true;
	case TEXT:
		return text(p, &k->text);
	case NAME_AND_TEXT:
		return imap_astring(p->c, &k->name) && imap_sp(p->c) && text(p, &k->text);
	case NAME:
		return imap_atom(p->c, &k->name);
	case OBJECT_ID:
		return object_id(p, &k->text);
	case NUMBER:
		return imap_number64(p->c, &k->number);
	case SECONDS:
		return seconds(p, k);
	case DAY_BEFORE:
	case DAY_ON:
	case DAY_SINCE:
		return days(p, which, k);
	case UIDS:
		return imap_seqset(p->c, &k->set);
	case UIDS_AFTER:
	case UIDS_BEFORE:
		return uids_beside(p, which, k);
	case MODSEQ:
		return modseq(p, k);
	case TWO_KEYS:
		return parse_key(p, &k->child) && imap_sp(p->c) && parse_key(p, &k->child->next);
	case KEY:
		break;
	}
	return imap_fail(p->c, "Unknown search key");
}

/* ---- keys ---- */

/* search-key *(SP search-key), all of which must hold. */
static bool parse_all(struct parser *p, struct imap_search_key **out)
{
	struct imap_search_key *k = *out = key_new(p, IMAP_SEARCH_AND);
	if (!k)
		return false;
	struct imap_search_key **last = &k->child;
	do {
		if (!parse_key(p, last))
			return false;
		last = &(*last)->next;
	} while (imap_take(p->c, ' '));
	return true;
}

/* NEW: RECENT UNSEEN. */
static bool parse_new(struct parser *p, struct imap_search_key **out)
{
	struct imap_search_key *both = key_new(p, IMAP_SEARCH_AND);
	struct imap_search_key *recent = both ? key_new(p, IMAP_SEARCH_RECENT) : NULL;
	struct imap_search_key *unseen = recent ? key_new(p, IMAP_SEARCH_FLAG) : NULL;
	if (!unseen)
		return false;
	unseen->flag = IMAP_SEEN;
	unseen->negated = true;
	recent->next = unseen;
	both->child = recent;
	*out = both;
	return true;
}

static bool negate(struct imap_search_key *k)
{
	k->negated = !k->negated;
	return true;
}

/* RFC 6203 3: all that the key is made of. Depth is bounded by IMAP_SEARCH_DEPTH_MAX. */
static bool make_fuzzy(struct parser *p, struct imap_search_key *k)
{
	p->search->has_fuzzy = k->fuzzy = true;
	for (struct imap_search_key *child = k->child; child; child = child->next)
		make_fuzzy(p, child);
	return true;
}

/* The value is read as if it stood in parentheses. A filter that is not there, that is no search, or that leads too deep (as one that leads to itself
 * does) is undefined (RFC 5466 3.1). */
static bool filter_failed(struct parser *p, int err, struct str name)
{
	if (!p->failed) {
		p->failed = err;
		p->search->filter = name;
	}
	return imap_fail(p->c, "Undefined filter");
}

static bool parse_filter(struct parser *p, struct imap_search_key **out)
{
	struct str name, value;
	if (!imap_sp(p->c) || !imap_atom(p->c, &name))
		return false;
	if (str_chr(name, '/') != STR_NPOS)
		return imap_fail(p->c, "A filter's name has no slash");
	if (p->charset.n && !str_ieq(p->charset, STR("UTF-8")) && !str_ieq(p->charset, STR("US-ASCII")))
		return filter_failed(p, ERR_DENIED, name);
	int err = p->filtered == IMAP_SEARCH_FILTERS_DEPTH_MAX ? ERR_NOT_FOUND : p->filters->find(p->filters->arg, name, &value);
	if (err)
		return filter_failed(p, err, name);
	struct imap_cursor *outer = p->c, inner;
	struct str charset = p->charset;
	imap_cursor_init(&inner, value, outer->arena, true);
	p->c = &inner;                       /* cppcheck-suppress autoVariables ; put back below, before inner ends */
	p->charset = STR_NONE;
	p->filtered++;
	bool ok = parse_all(p, out) && imap_end(&inner);
	p->filtered--;
	p->c = outer;
	p->charset = charset;
	return ok || filter_failed(p, outer->arena->failed ? ERR_NO_MEMORY : ERR_NOT_FOUND, name);
}

static bool parse_named(struct parser *p, struct imap_search_key **out)
{
	size_t i = 0;
	if (p->filters && imap_take_word(p->c, "FILTER"))
		return parse_filter(p, out);
	while (i < sizeof(keys) / sizeof(keys[0]) && !imap_take_word(p->c, keys[i].name))
		i++;
	if (i == sizeof(keys) / sizeof(keys[0]))
		return imap_fail(p->c, imap_peek(p->c) < 0 ? "A search key is missing" : "Unknown search key");
	if (keys[i].argument != NOTHING && !imap_sp(p->c))
		return false;
	if (keys[i].argument == KEY)
		return parse_key(p, out) && (keys[i].negated ? negate(*out) : make_fuzzy(p, *out));
	if (keys[i].kind == IMAP_SEARCH_RECENT && keys[i].flag)
		return parse_new(p, out);
	struct imap_search_key *k = *out = key_new(p, keys[i].kind);
	if (!k)
		return false;
	k->negated = keys[i].negated;
	k->flag = keys[i].flag;
	return argument(p, keys[i].argument, k);
}

static bool parse_set(struct parser *p, struct imap_search_key **out)
{
	*out = key_new(p, IMAP_SEARCH_SEQSET);
	return *out && imap_seqset(p->c, &(*out)->set);
}

static bool parse_key(struct parser *p, struct imap_search_key **out)
{
	if (p->depth == IMAP_SEARCH_DEPTH_MAX)
		return imap_fail(p->c, "Search keys are nested too deeply");
	p->depth++;
	bool ok;
	int next = imap_peek(p->c);
	if (imap_take(p->c, '('))
		ok = parse_all(p, out) && imap_expect(p->c, ')', "A list of search keys must end with a parenthesis");
	else if (ascii_is_digit(next) || next == '*' || next == '$')
		ok = parse_set(p, out);
	else
		ok = parse_named(p, out);
	p->depth--;
	return ok;
}

/* Whether the charset can be read: 0, ERR_INVALID (after an error of syntax) or ERR_UNSUPPORTED. */
static int check_charset(struct parser *p)
{
	return p->c->error ? ERR_INVALID : mime_charset_to_utf8(&p->converter, p->charset, STR("?"), &p->converted);
}

/* ["CHARSET" SP astring SP] */
static int parse_charset(struct parser *p)
{
	if (!imap_take_word(p->c, "CHARSET"))
		return 0;
	/* RFC 9755 3: after UTF8=ACCEPT all is UTF-8, and saying so again is BAD. */
	if (p->c->utf8)
		imap_fail(p->c, "No CHARSET after UTF8=ACCEPT");
	(void)(imap_sp(p->c) && imap_astring(p->c, &p->charset) && imap_sp(p->c));
	return check_charset(p);
}

/* charset SP */
static int parse_charset_alone(struct parser *p)
{
	(void)(imap_astring(p->c, &p->charset) && imap_sp(p->c));
	return check_charset(p);
}

static int parse_search(struct imap_cursor *c, int (*charset)(struct parser *p), const struct imap_search_filters *filters,
						struct imap_search *out)
{
	struct parser p = { .c = c, .search = out, .filters = filters, .converter = MIME_CHARSET_INIT, .converted = BUF_INIT(0) };
	*out = (struct imap_search){ 0 };
	int err = charset(&p);
	if (!err && !(parse_all(&p, &out->root) && imap_end(c)))
		err = p.failed ? p.failed : c->arena->failed || p.converted.failed ? ERR_NO_MEMORY : ERR_INVALID;
	mime_charset_fini(&p.converter);
	buf_fini(&p.converted);
	return err;
}

int imap_search_args(struct imap_cursor *c, struct imap_search *out) { return parse_search(c, parse_charset, NULL, out); }
int imap_search_criteria(struct imap_cursor *c, struct imap_search *out) { return parse_search(c, parse_charset_alone, NULL, out); }

int imap_search_filtered(struct imap_cursor *c, bool criteria, const struct imap_search_filters *filters, struct imap_search *out)
{
	return parse_search(c, criteria ? parse_charset_alone : parse_charset, filters, out);
}
