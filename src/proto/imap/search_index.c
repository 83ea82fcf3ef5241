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
