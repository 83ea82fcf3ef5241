#include "proto/imap/search_index.h"

#include <stdlib.h>

static enum search_field field_of(const struct imap_test *t)
{
	static const struct { const char *name; enum search_field field; } fields[] = {
		{ "subject", SEARCH_SUBJECT }, { "from", SEARCH_FROM }, { "to", SEARCH_TO }, { "cc", SEARCH_CC }, { "bcc", SEARCH_BCC },
	};
	switch (t->key->kind) {
	case IMAP_SEARCH_BODY: return SEARCH_BODY;
	case IMAP_SEARCH_TEXT: return SEARCH_TEXT;
	case IMAP_SEARCH_SUBJECT: return SEARCH_SUBJECT;
	case IMAP_SEARCH_FROM: return SEARCH_FROM;
	case IMAP_SEARCH_TO: return SEARCH_TO;
	case IMAP_SEARCH_CC: return SEARCH_CC;
	case IMAP_SEARCH_BCC: return SEARCH_BCC;
	default: break;
	}
	if (!imap_search_in_summary(t->key->name))
		return SEARCH_HEADER;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (str_ieq(t->key->name, str_from_c(fields[i].name)))
			return fields[i].field;
	return SEARCH_OTHERS;
}

static int by_email(const void *a, const void *b)
{
	const struct search_ranked *x = a, *y = b;
	return (x->email > y->email) - (x->email < y->email);
}

/* Without ranks (no word in the text, no index yet) it is a test like any other. */
static void ask_fuzzy(struct imap_index_answer *a, const struct imap_search_scope *scope)
{
	a->fuzzy = search_fuzzy(scope->index, account_id(scope->account), field_of(a->test), a->test->key->text, &a->ranked, &a->n_ranked) == 0;
	if (a->n_ranked)
		qsort(a->ranked, a->n_ranked, sizeof(*a->ranked), by_email);
}

/* NULL when there are too many tests, or no memory: those are answered by reading. */
static struct imap_index_answer *answer_to(struct imap_index *x, const struct imap_search_scope *scope, const struct imap_test *t)
{
	for (unsigned i = 0; i < x->n; i++)
		if (x->answers[i].test == t)
			return &x->answers[i];
	if (!x->answers)
		x->answers = calloc(IMAP_SEARCH_INDEXED_MAX, sizeof(*x->answers));
	if (!x->answers || x->n == IMAP_SEARCH_INDEXED_MAX)
		return NULL;
	struct imap_index_answer *a = &x->answers[x->n++];
	a->test = t;
	search_substring(scope->index, account_id(scope->account), field_of(t), t->needle.folded, &a->answer);
	if (t->key->fuzzy)
		ask_fuzzy(a, scope);
	return a;
}

enum search_verdict imap_index_says(struct imap_index *x, const struct imap_search_scope *scope, const struct imap_test *t, uint64_t email)
{
	struct imap_index_answer *a = scope->index ? answer_to(x, scope, t) : NULL;
	x->score = IMAP_SCORE_UNRANKED;
	if (!a)
		return SEARCH_READ_IT;
	if (email >= a->answer.known_below && !x->hinted) {
		search_hint(scope->index, account_id(scope->account));
		x->hinted = true;
	}
	enum search_verdict verdict = search_answer_says(&a->answer, email);
	if (!a->fuzzy || !search_answer_knows(&a->answer, email))
		return verdict;
	const struct search_ranked *ranked = a->n_ranked ? bsearch(&(struct search_ranked){ email, 0 }, a->ranked, a->n_ranked, sizeof(*ranked), by_email) : NULL;
	if (ranked)
		x->score = ranked->score;
	return ranked || verdict == SEARCH_YES ? SEARCH_YES : SEARCH_NO;
}

void imap_index_fini(struct imap_index *x)
{
	for (unsigned i = 0; i < x->n; i++) {
		search_answer_fini(&x->answers[i].answer);
		free(x->answers[i].ranked);
	}
	free(x->answers);
	*x = (struct imap_index){ .answers = NULL };
}
