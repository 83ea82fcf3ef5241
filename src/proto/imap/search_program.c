#include "proto/imap/search_program.h"

#include "base/clock.h"
#include "proto/imap/message_set.h"
#include "proto/imap/object_id.h"

struct imap_search_scope imap_search_selected(const struct imap_session *s)
{
	return (struct imap_search_scope){
		.account = s->selected.account, .view = s->selected.view, .recent = &s->selected.recent, .saved = &s->saved,
		.index = services_search(s->services), .now = clock_now(), .limit = s->config->imap_message_limit,
	};
}

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
	case IMAP_SEARCH_THREADID:
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

static int add_uids_of_numbers(const struct view *v, const struct imap_seqset *set, struct rangeset *out)
{
	uint32_t count = view_count(v);
	struct rangeset numbers = RANGESET_INIT;
	/* Read as UIDs are: what is over the largest is no error. */
	int err = imap_seqset_uids(set, count, &numbers);
	rangeset_remove(&numbers, count + 1, UINT32_MAX);
	if (!err)
		err = imap_numbers_to_uids(v, &numbers, out);
	rangeset_fini(&numbers);
	return err;
}

/* "n:*" holds for messages that are yet to come too, in a search that goes on (RFC 5267 4.3). */
static int add_uids(const struct imap_seqset *set, uint32_t largest, struct rangeset *out)
{
	int err = imap_seqset_uids(set, largest, out);
	for (size_t i = 0; i < set->count && !err; i++) {
		struct range r = set->range[i];
		uint32_t from = r.lo == IMAP_SEQ_STAR ? r.hi : r.lo;
		if (from != IMAP_SEQ_STAR && (r.lo == IMAP_SEQ_STAR || r.hi == IMAP_SEQ_STAR))
			err = rangeset_add(out, from, UINT32_MAX);
	}
	return err;
}

/* The ranges are copied into the arena, so that nothing has to be freed. */
static int resolve_set(struct arena *a, const struct imap_search_scope *scope, const struct imap_search_key *k,
					   struct rangeset *out)
{
	const struct view *v = scope->view;
	uint32_t count = view_count(v);
	struct rangeset set = RANGESET_INIT;
	int err = k->set.saved ? rangeset_copy(&set, scope->saved)
			  : k->kind == IMAP_SEARCH_SEQSET ? add_uids_of_numbers(v, &k->set, &set)
			  : add_uids(&k->set, count ? view_at(v, count - 1).uid : 0, &set);
	if (!err && set.n) {
		struct range *ranges = arena_array(a, set.n, sizeof(*ranges));
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

static int prepare(struct arena *a, const struct imap_search_scope *scope, const struct imap_search_key *k, struct imap_test **out);

/* Stable, by cost: one bucket for each. */
static int prepare_children(struct arena *a, const struct imap_search_scope *scope, struct imap_test *t)
{
	struct imap_test *first[IMAP_SEARCH_COSTS] = { NULL }, **last[IMAP_SEARCH_COSTS];
	for (unsigned c = 0; c < IMAP_SEARCH_COSTS; c++)
		last[c] = &first[c];
	for (const struct imap_search_key *k = t->key->child; k; k = k->next) {
		struct imap_test *child;
		int err = prepare(a, scope, k, &child);
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
static int prepare(struct arena *a, const struct imap_search_scope *scope, const struct imap_search_key *k, struct imap_test **out)
{
	struct imap_test *t = *out = arena_new(a, struct imap_test);
	if (!t)
		return ERR_NO_MEMORY;
	t->key = k;
	t->cost = cost_of(k);
	switch (k->kind) {
	case IMAP_SEARCH_AND:
	case IMAP_SEARCH_OR:
		return prepare_children(a, scope, t);
	case IMAP_SEARCH_SEQSET:
	case IMAP_SEARCH_UIDSET:
		return resolve_set(a, scope, k, &t->set);
	case IMAP_SEARCH_FLAG:
		t->mask = k->flag;
		return 0;
	case IMAP_SEARCH_KEYWORD:
		t->mask = keyword_mask(scope->view, k->name);
		return 0;
	case IMAP_SEARCH_OLDER:
	case IMAP_SEARCH_YOUNGER:
		t->moment = scope->now - (int64_t)k->number;
		return 0;
	case IMAP_SEARCH_EMAILID:
	case IMAP_SEARCH_THREADID:
		t->mask = imap_object_id_read(k->text, k->kind == IMAP_SEARCH_EMAILID ? IMAP_OBJECT_EMAIL : IMAP_OBJECT_THREAD,
									  account_id(scope->account));
		return 0;
	default:
		return imap_needle_init(&t->needle, a, k->text);
	}
}

int imap_search_prepare(struct arena *a, const struct imap_search_scope *scope, const struct imap_search *search,
						struct imap_test **out)
{
	return prepare(a, scope, search->root, out);
}

static bool has_numbers(const struct imap_search_key *k)
{
	bool found = k->kind == IMAP_SEARCH_SEQSET && !k->set.saved;
	for (const struct imap_search_key *child = k->child; child && !found; child = child->next)
		found = has_numbers(child);
	return found;
}

bool imap_search_has_numbers(const struct imap_search *search) { return has_numbers(search->root); }
