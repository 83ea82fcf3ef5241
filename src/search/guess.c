#include "search/guess.h"

#include "base/utf8.h"
#include "search/limits.h"

struct letters { uint32_t v[STEM_BYTES_MAX]; unsigned n; };

struct guess { struct str stem; uint64_t emails; char text[STEM_BYTES_MAX]; };
struct guessing {
	struct letters word;
	struct guess best[GUESSES_MAX];      /* most emails first */
	unsigned n;
};

static bool read_letters(struct str text, struct letters *out)
{
	out->n = 0;
	for (size_t at = 0; at < text.n;) {
		if (out->n == STEM_BYTES_MAX)
			return false;
		out->v[out->n++] = utf8_next(text, &at);
	}
	return true;
}

static bool same(const struct letters *a, unsigned from_a, const struct letters *b, unsigned from_b)
{
	return a->n - from_a == b->n - from_b && memcmp(a->v + from_a, b->v + from_b, (a->n - from_a) * sizeof(a->v[0])) == 0;
}

static bool is_near(const struct letters *a, const struct letters *b)
{
	unsigned i = 0;
	while (i < a->n && i < b->n && a->v[i] == b->v[i])
		i++;
	if (i == 0)
		return false;
	if (a->n == b->n)
		return same(a, i + 1, b, i + 1) || (i + 1 < a->n && a->v[i] == b->v[i + 1] && a->v[i + 1] == b->v[i] && same(a, i + 2, b, i + 2));
	return a->n + 1 == b->n ? same(a, i, b, i + 1) : a->n == b->n + 1 && same(a, i + 1, b, i);
}

static int consider(void *arg, struct str stem, uint64_t emails)
{
	struct guessing *g = arg;
	struct letters other;
	if (stem.n > STEM_BYTES_MAX || !read_letters(stem, &other) || !is_near(&g->word, &other))
		return 0;
	unsigned at = g->n < GUESSES_MAX ? g->n++ : GUESSES_MAX;
	while (at > 0 && g->best[at - 1].emails < emails) {
		if (at < GUESSES_MAX)
			g->best[at] = g->best[at - 1];
		at--;
	}
	if (at == GUESSES_MAX)
		return 0;
	memcpy(g->best[at].text, stem.p, stem.n);
	g->best[at].stem.n = stem.n;
	g->best[at].emails = emails;
	return 0;
}

bool guess_known(void *shelf, struct str stem) { return shelf_has_stem(shelf, stem); }

void guess_stems(void *shelf, struct str stem, struct buf *out)
{
	struct guessing g = { .n = 0 };
	char after[4];
	if (!read_letters(stem, &g.word) || g.word.n < GUESS_LETTERS_MIN)
		return;
	for (size_t i = 0; i < stem.n; i++)
		if (stem.p[i] >= '0' && stem.p[i] <= '9')
			return;
	/* All that begin with the same letter: in bytes, up to the next that its last byte could be. */
	size_t first = 0;
	utf8_next(stem, &first);
	memcpy(after, stem.p, first);
	after[first - 1]++;
	if (shelf_stems(shelf, str_sub(stem, 0, first), str_make(after, first), consider, &g))
		return;                          /* the question itself will tell */
	for (unsigned i = 0; i < g.n; i++) {
		buf_add_lit(out, " OR \"");
		buf_add(out, g.best[i].text, g.best[i].stem.n);
		buf_add_char(out, '"');
	}
}
