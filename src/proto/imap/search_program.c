#include "proto/imap/search_program.h"

#include "proto/imap/message_set.h"

bool imap_search_in_summary(struct str field)
{
	static const struct str names[] = {
		STR_INIT("from"), STR_INIT("sender"), STR_INIT("reply-to"), STR_INIT("to"), STR_INIT("cc"), STR_INIT("bcc"),
		STR_INIT("subject"), STR_INIT("date"), STR_INIT("message-id"), STR_INIT("in-reply-to"),
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_ieq(field, names[i]))
			return true;
	return false;
}

static enum imap_search_cost cost_of(const struct imap_search_key *k)
{
	switch (k->kind) {
	case IMAP_SEARCH_SENT:
	case IMAP_SEARCH_FROM:
	case IMAP_SEARCH_TO:
	case IMAP_SEARCH_CC:
	case IMAP_SEARCH_BCC:
	case IMAP_SEARCH_SUBJECT:
		return IMAP_SEARCH_FROM_SUMMARY;
	case IMAP_SEARCH_HEADER:
		return imap_search_in_summary(k->name) ? IMAP_SEARCH_FROM_SUMMARY : IMAP_SEARCH_FROM_HEADER;
	case IMAP_SEARCH_BODY:
	case IMAP_SEARCH_TEXT:
		return IMAP_SEARCH_FROM_BODY;
	default:
		return IMAP_SEARCH_FROM_VIEW;
	}
}

/* The ranges are copied into the arena, so that nothing has to be freed. */
static int resolve_set(struct imap_request *r, const struct imap_search_key *k, struct rangeset *out)
{
	const struct view *v = r->s->selected.view;
	uint32_t count = view_count(v);
	if (k->kind == IMAP_SEARCH_SEQSET && !k->set.saved) {
		if (imap_uidonly(r->s))
			return ERR_DENIED;
		r->numbers_used = true;              /* RFC 7162 3.2.10.2: no VANISHED then, though it be UID SEARCH */
	}
	struct rangeset set = RANGESET_INIT;
	int err = k->kind == IMAP_SEARCH_SEQSET ? imap_seqset_numbers(&k->set, count, &set)
	                                        : imap_seqset_uids(&k->set, count ? view_at(v, count - 1).uid : 0, &set);
	if (!err && set.n) {
		struct range *ranges = arena_array(r->arena, set.n, sizeof(*ranges));
		if (ranges)
			memcpy(ranges, set.v, set.n * sizeof(*ranges));
		*out = (struct rangeset){ ranges, ranges ? set.n : 0, 0 };
		err = ranges ? 0 : ERR_NO_MEMORY;
	}
	rangeset_fini(&set);
	return err;
}

static uint64_t keyword_mask(const struct view *v, struct str name)
{
	unsigned n;
	const struct str *keyword = view_keywords(v, &n);
	for (unsigned i = 0; i < n; i++)
		if (keyword[i].n && str_ieq(keyword[i], name))
			return UINT64_C(1) << (MESSAGE_KEYWORD_SHIFT + i);
	return 0;
}

static int prepare(struct imap_request *r, const struct imap_search_key *k, struct imap_test **out);

/* Stable, by cost: one bucket for each. */
static int prepare_children(struct imap_request *r, struct imap_test *t)
{
	struct imap_test *first[IMAP_SEARCH_COSTS] = { NULL }, **last[IMAP_SEARCH_COSTS];
	for (unsigned c = 0; c < IMAP_SEARCH_COSTS; c++)
		last[c] = &first[c];
	for (const struct imap_search_key *k = t->key->child; k; k = k->next) {
		struct imap_test *child;
		int err = prepare(r, k, &child);
		if (err)
			return err;
		*last[child->cost] = child;
		last[child->cost] = &child->next;
		if (child->cost > t->cost)
			t->cost = child->cost;
	}
	struct imap_test **end = &t->child;
	for (unsigned c = 0; c < IMAP_SEARCH_COSTS; c++) {
		*end = first[c];
		if (first[c])
			end = last[c];
	}
	return 0;
}

/* Recursion is bounded by IMAP_SEARCH_DEPTH_MAX. */
static int prepare(struct imap_request *r, const struct imap_search_key *k, struct imap_test **out)
{
	struct imap_test *t = *out = arena_new(r->arena, struct imap_test);
	if (!t)
		return ERR_NO_MEMORY;
	t->key = k;
	t->cost = cost_of(k);
	switch (k->kind) {
	case IMAP_SEARCH_AND:
	case IMAP_SEARCH_OR:
		return prepare_children(r, t);
	case IMAP_SEARCH_SEQSET:
	case IMAP_SEARCH_UIDSET:
		return resolve_set(r, k, &t->set);
	case IMAP_SEARCH_FLAG:
		t->mask = k->flag;
		return 0;
	case IMAP_SEARCH_KEYWORD:
		t->mask = keyword_mask(r->s->selected.view, k->name);
		return 0;
	default:
		return imap_needle_init(&t->needle, r->arena, k->text);
	}
}

bool imap_search_prepare(struct imap_request *r, const struct imap_search *search, struct imap_test **out)
{
	int err = prepare(r, search->root, out);
	if (err == ERR_DENIED)
		imap_bad(r, "[UIDREQUIRED] Message numbers were given up by ENABLE UIDONLY");
	else if (err == ERR_INVALID)
		imap_bad(r, "There is no message of that number");
	else if (err == ERR_UNSUPPORTED)
		imap_bad(r, "No search result is saved here");
	else if (err)
		imap_error(r, err, NULL);
	return err == 0;
}
