#include "proto/imap/search_index.h"

#include <stdlib.h>

static enum search_field field_of(const struct imap_test *t)
{
	return t->key->kind == IMAP_SEARCH_BODY ? SEARCH_BODY : t->key->kind == IMAP_SEARCH_TEXT ? SEARCH_TEXT : SEARCH_HEADER;
}

/* NULL when there are too many tests, or no memory: those are answered by reading. */
static struct search_answer *answer_to(struct imap_index *x, const struct imap_search_scope *scope, const struct imap_test *t)
{
	for (unsigned i = 0; i < x->n; i++)
		if (x->answers[i].test == t)
			return &x->answers[i].answer;
	if (!x->answers)
		x->answers = calloc(IMAP_SEARCH_INDEXED_MAX, sizeof(*x->answers));
	if (!x->answers || x->n == IMAP_SEARCH_INDEXED_MAX)
		return NULL;
	struct imap_index_answer *a = &x->answers[x->n++];
	a->test = t;
	search_substring(scope->index, account_id(scope->account), field_of(t), t->needle.folded, &a->answer);
	return &a->answer;
}

enum search_verdict imap_index_says(struct imap_index *x, const struct imap_search_scope *scope, const struct imap_test *t, uint64_t email)
{
	struct search_answer *a = scope->index ? answer_to(x, scope, t) : NULL;
	if (!a)
		return SEARCH_READ_IT;
	if (email >= a->known_below && !x->hinted) {
		search_hint(scope->index, account_id(scope->account));
		x->hinted = true;
	}
	return search_answer_says(a, email);
}

void imap_index_fini(struct imap_index *x)
{
	for (unsigned i = 0; i < x->n; i++)
		search_answer_fini(&x->answers[i].answer);
	free(x->answers);
	*x = (struct imap_index){ .answers = NULL };
}
