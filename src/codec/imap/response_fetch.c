/* Messages in responses: FETCH. */
#include "base/ascii.h"
#include "codec/imap/cursor.h"
#include "codec/imap/response_priv.h"

bool imap_response_date(struct str text, int64_t *unix_out)
{
	char quoted[64];
	struct imap_cursor c;
	text = str_trim(text);
	/* date-day-fixed = (SP DIGIT) / 2DIGIT: the space is easily lost */
	bool short_day = text.n > 1 && text.p[1] == '-';
	bool zone = text.n > 5 && (text.p[text.n - 5] == '+' || text.p[text.n - 5] == '-');
	if (text.n > 40)
		return false;
	int n = snprintf(quoted, sizeof quoted, "\"%s%.*s%s\"", short_day ? " " : "", STR_ARG(text), zone ? "" : " +0000");
	imap_cursor_init(&c, str_make(quoted, n > 0 ? (size_t)n : 0), NULL, false);
	return imap_date_time(&c, unix_out);
}

static bool is_keyword(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_print((unsigned char)s.p[i]) || strchr("(){%*\"\\] ", s.p[i]))
			return false;
	return s.n > 0;
}

static unsigned system_flag(struct str s)
{
	static const struct { const char *name; unsigned flag; } known[] = {
		{ "\\Seen", IMAP_SEEN }, { "\\Answered", IMAP_ANSWERED }, { "\\Flagged", IMAP_FLAGGED }, { "\\Deleted", IMAP_DELETED }, { "\\Draft", IMAP_DRAFT },
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (str_ieq(s, str_from_c(known[i].name)))
			return known[i].flag;
	return 0;
}

static void add_flag(struct words *w, struct str flag, struct imap_fetched *out)
{
	unsigned system = system_flag(flag);
	out->flags |= system;
	if (system || str_ieq(flag, STR("\\Recent")))
		return;
	if (!is_keyword(flag) || out->n_keywords == IMAP_FETCHED_KEYWORDS_MAX) {
		out->dropped++;
		return;
	}
	for (size_t i = 0; i < out->n_keywords; i++)
		if (str_ieq(out->keywords[i], flag))
			return;
	if (!out->keywords && !(out->keywords = arena_array(w->arena, IMAP_FETCHED_KEYWORDS_MAX, sizeof *out->keywords))) {
		w->bad = true;
		return;
	}
	out->keywords[out->n_keywords++] = flag;
}

static bool read_flags(struct words *w, struct imap_fetched *out)
{
	out->has_flags = true;
	out->flags = 0;
	out->n_keywords = 0;
	if (!words_take(w, '('))
		return words_fail(w);
	for (words_spaces(w); !words_take(w, ')'); words_spaces(w)) {
		/* not words_atom: a bracket in a keyword closes nothing */
		const char *from = w->p;
		for (int c; (c = words_peek(w)) >= 0 && !strchr(" ()\r\n", c);)
			w->p++;
		if (w->p == from)
			return words_fail(w);
		add_flag(w, str_make(from, (size_t)(w->p - from)), out);
	}
	return !w->bad;
}

/* "(id)", "id" or NIL */
static bool read_in_list(struct words *w, struct str *out)
{
	bool list = words_take(w, '(');
	words_spaces(w);
	if (!words_string(w, out))
		return false;
	words_spaces(w);
	return !list || words_take(w, ')') || words_fail(w);
}

static bool read_date(struct words *w, struct imap_fetched *out)
{
	struct str s;
	if (!words_string(w, &s))
		return false;
	out->has_date = imap_response_date(s, &out->date);
	return true;
}

static bool is_body(struct str item)
{
	return str_ieq(item, STR("BODY[]")) || str_ieq(item, STR("RFC822")) || str_ieq(item, STR("BINARY[]")) || str_ieq(item, STR("BODY[]<0>"));
}

static bool read_item(struct words *w, struct str item, struct imap_fetched *out)
{
	uint64_t n = 0;
	struct str s;
	if (str_ieq(item, STR("UID"))) {
		if (!words_number(w, &n) || n == 0 || n > UINT32_MAX)
			return words_fail(w);
		out->uid = (uint32_t)n;
		return true;
	}
	if (str_ieq(item, STR("FLAGS")))
		return read_flags(w, out);
	if (str_ieq(item, STR("INTERNALDATE")))
		return read_date(w, out);
	if (str_ieq(item, STR("RFC822.SIZE")))
		return out->has_size = words_number(w, &out->size);
	if (str_ieq(item, STR("MODSEQ"))) {
		bool list = words_take(w, '(');
		return words_number(w, &out->modseq) && (!list || words_take(w, ')') || words_fail(w));
	}
	if (str_ieq(item, STR("X-GM-MSGID")) || str_ieq(item, STR("EMAILID"))) {
		if (!read_in_list(w, &s))
			return false;
		out->email = s;
		return true;
	}
	if (is_body(item)) {
		int next = words_peek(w);
		out->has_body = true;
		/* nstring and no atom: what a message is must not be guessed */
		return words_string(w, &out->body) && (next == '"' || next == '{' || next == '~' || !out->body.p);
	}
	return words_skip(w);
}

bool imap_response_fetch(struct str rest, struct arena *a, struct imap_fetched *out)
{
	struct words w = words_of(rest, a);
	*out = (struct imap_fetched){ 0 };
	words_spaces(&w);
	if (!words_take(&w, '('))
		return false;
	for (words_spaces(&w); !words_take(&w, ')'); words_spaces(&w)) {
		struct str item = words_atom(&w);
		words_spaces(&w);
		if (item.n == 0 || !read_item(&w, item, out))
			return false;
	}
	return true;
}
