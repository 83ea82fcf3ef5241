#include "search/inside.h"

#include "codec/imap/needle.h"
#include "search/guess.h"
#include "search/stems.h"

#include <stdlib.h>

struct ranking {
	struct search_ranked *v;
	size_t n, room;
	double best;                     /* weight of the first */
};

static int add(void *arg, uint64_t email, double weight)
{
	struct ranking *k = arg;
	if (k->n == FUZZY_RESULTS_MAX)
		return 0;
	if (k->n == k->room) {
		size_t room = k->room ? k->room * 2 : 64;
		struct search_ranked *more = reallocarray(k->v, room, sizeof(*more));
		if (!more)
			return ERR_NO_MEMORY;
		k->v = more;
		k->room = room;
	}
	if (k->n == 0)
		k->best = weight;
	/* RFC 6203 3: from 1 to 100. A word that stands in most emails weighs next to nothing: then all are alike. */
	double part = k->best > 0 ? weight / k->best : 1;
	k->v[k->n++] = (struct search_ranked){ email, part <= 0 ? 1 : part >= 1 ? 100 : 1 + (unsigned)(part * 99) };
	return 0;
}

int search_fuzzy(struct search *s, uint64_t account, enum search_field field, struct str text, struct search_ranked **ranked_out, size_t *n_out)
{
	static const unsigned columns[] = {
		[SEARCH_BODY] = 1u << STEM_BODY, [SEARCH_TEXT] = (1u << STEM_COLUMNS) - 1, [SEARCH_HEADER] = 0, [SEARCH_SUBJECT] = 1u << STEM_SUBJECT,
		[SEARCH_FROM] = 1u << STEM_FROM, [SEARCH_TO] = 1u << STEM_TO, [SEARCH_CC] = 1u << STEM_CC, [SEARCH_BCC] = 1u << STEM_BCC, [SEARCH_OTHERS] = 0,
	};
	struct ranking k = { .v = NULL };
	struct buf folded = BUF_INIT(0), expression = BUF_INIT(0);
	struct stemmer *stemmer = NULL;
	struct opened *o;
	*ranked_out = NULL;
	*n_out = 0;
	int r = !s ? ERR_NOT_FOUND : columns[field] ? stemmer_create(&stemmer) : ERR_UNSUPPORTED;
	if (!r)
		imap_fold(text, &folded);
	if (!r && (r = opened_take(s, account, &o)) == 0) {
		struct stemmer_index index = { guess_known, guess_stems, o->shelf };
		r = shelf_begin(o->shelf, false);
		if (!r && !stemmer_question(stemmer, &index, columns[field], buf_str(&folded), &expression))
			r = ERR_UNSUPPORTED;
		if (!r && (folded.failed || expression.failed))
			r = ERR_NO_MEMORY;
		if (!r)
			r = shelf_ranked(o->shelf, buf_str(&expression), add, &k);
		shelf_rollback(o->shelf);
		opened_give(s, &o);
		if (r == ERR_CORRUPT)
			search_damaged(s, account);
	}
	stemmer_destroy(&stemmer);
	buf_fini(&folded);
	buf_fini(&expression);
	if (r) {
		free(k.v);
		return r;
	}
	*ranked_out = k.v;
	*n_out = k.n;
	return 0;
}
