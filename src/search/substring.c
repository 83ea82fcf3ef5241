/* Substrings, exactly: the terms that fit the pieces of the pattern, the emails that have such terms, and whether that proves it. */
#include "search/inside.h"
#include "search/words.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_OF(emails) (((size_t)(emails) + 63) / 64)

struct question {
	struct search *search;
	struct opened *opened;
	struct str text;
	struct pattern pattern;
};

/* ---- terms ---- */

/* A piece with the NULs that stand around a term where it begins and ends. */
struct needle {
	char bytes[TERM_MAX + 2];
	size_t n;
	struct piece piece;
};

static struct needle needle_of(const struct piece *p)
{
	struct needle n = { .piece = *p };
	if (p->kind == PIECE_WHOLE || p->kind == PIECE_PREFIX)
		n.bytes[n.n++] = '\0';
	memcpy(n.bytes + n.n, p->text.p, p->text.n);
	n.n += p->text.n;
	if (p->kind == PIECE_WHOLE || p->kind == PIECE_SUFFIX)
		n.bytes[n.n++] = '\0';
	return n;
}

static size_t count_nuls(const char *p, const char *end)
{
	size_t n = 0;
	for (; p < end; p++)
		n += *p == '\0';
	return n;
}

/* Terms are in order: can this block have it? */
static bool may_be_in(const struct needle *n, struct str terms)
{
	if (n->piece.kind == PIECE_SUFFIX || n->piece.kind == PIECE_INFIX)
		return true;
	struct str first = str_make(terms.p + 1, strlen(terms.p + 1));
	const char *before_last = memrchr(terms.p, 0, terms.n - 1);
	struct str last = str_make(before_last + 1, terms.n - 2 - (size_t)(before_last - terms.p)), text = n->piece.text;
	if (str_cmp(text, last) > 0)
		return false;
	return str_cmp(text, first) >= 0 || (n->piece.kind == PIECE_PREFIX && str_starts(first, text));
}

/* Marks the emails of all terms of the block that fit. Lists are fetched when the first one does. */
static int mark_block(struct question *q, const struct chunk *c, enum field field, uint32_t number, struct str terms, const struct needle *n, uint64_t *bits)
{
	const char *end = terms.p + terms.n, *from = terms.p, *counted = terms.p + 1, *hit;
	struct block b = { .terms = terms };
	struct block_walk walk = { .term_at = 0 };
	size_t ordinal = 0, taken = 0;               /* of the term that `counted` is in; how many lists were walked over */
	while ((hit = memmem(from, (size_t)(end - from), n->bytes, n->n))) {
		const char *term = hit + (n->bytes[0] == '\0');
		if (!b.lens.p) {
			int r = shelf_posts(q->opened->shelf, c->is.id, field, number, &b.lens, &b.posts);
			if (r)
				return r;
			walk = block_walk(&b);
		}
		ordinal += count_nuls(counted, term);
		counted = term;
		struct post_list list;
		if (ordinal < taken || !block_walk_list(&walk, (uint32_t)(ordinal - taken), &list) || !post_list_mark(list, c->is.emails, bits))
			return ERR_CORRUPT;
		taken = ordinal + 1;
		from = memchr(term, 0, (size_t)(end - term));
		if (n->piece.kind == PIECE_WHOLE)
			break;
	}
	return 0;
}

static int mark_piece(struct question *q, struct chunk *c, enum field field, const struct piece *p, uint64_t *bits)
{
	const struct terms *t;
	struct needle n = needle_of(p);
	int r = opened_terms(q->search, q->opened, c, field, &t);
	for (size_t i = 0; !r && i < t->n; i++)
		if (may_be_in(&n, t->block[i]))
			r = mark_block(q, c, field, (uint32_t)i, t->block[i], &n, bits);
	return r;
}

/* ---- emails ---- */

/* Those of the chunk that all pieces allow: whole terms and prefixes first, which are found without looking at all terms. */
static int mark_field(struct question *q, struct chunk *c, enum field field, uint64_t *bits, uint64_t *scratch)
{
	size_t words = WORDS_OF(c->is.emails);
	bool any = true, first = true;
	for (int scan = 0; scan < 2; scan++) {
		for (size_t i = 0; any && i < q->pattern.n; i++) {
			const struct piece *p = &q->pattern.piece[i];
			if ((p->kind == PIECE_SUFFIX || p->kind == PIECE_INFIX) != scan)
				continue;
			memset(scratch, 0, words * sizeof(*scratch));
			int r = mark_piece(q, c, field, p, scratch);
			if (r)
				return r;
			any = false;
			for (size_t k = 0; k < words; k++)
				any |= (bits[k] = first ? scratch[k] : bits[k] & scratch[k]) != 0;
			first = false;
		}
	}
	return 0;
}

/* What the converter made is kept, so that it can be looked at here and now. */
static int verify_attached(struct question *q, const struct chunk *c, uint64_t *bits)
{
	for (uint32_t i = 0; i < c->is.emails; i++) {
		struct str text;
		if (!(bits[i >> 6] >> (i & 63) & 1))
			continue;
		int r = shelf_attached(q->opened->shelf, c->emails[i], &text);
		if (r && r != ERR_NOT_FOUND)
			return r;
		if (r || !memmem(text.p, text.n, q->text.p, q->text.n))
			bits[i >> 6] &= ~(UINT64_C(1) << (i & 63));
	}
	return 0;
}

static int add_emails(const struct chunk *c, const uint64_t *maybe, const uint64_t *sure, struct search_answer *a)
{
	size_t more = 0;
	for (size_t k = 0; k < WORDS_OF(c->is.emails); k++)
		more += (size_t)__builtin_popcountll(maybe[k] | sure[k]);
	if (more == 0)
		return 0;
	uint64_t *emails = reallocarray(a->emails, a->n + more, sizeof(*emails));
	if (emails)
		a->emails = emails;
	uint64_t *certain = reallocarray(a->certain, WORDS_OF(a->n + more), sizeof(*certain));
	if (certain)
		a->certain = certain;
	if (!emails || !certain)
		return ERR_NO_MEMORY;
	for (size_t k = WORDS_OF(a->n); k < WORDS_OF(a->n + more); k++)
		certain[k] = 0;
	for (size_t k = 0; k < WORDS_OF(c->is.emails); k++) {
		for (uint64_t left = maybe[k] | sure[k]; left; left &= left - 1) {
			unsigned bit = (unsigned)__builtin_ctzll(left);
			certain[a->n >> 6] |= (sure[k] >> bit & 1) << (a->n & 63);
			emails[a->n++] = c->emails[64 * k + bit];
		}
	}
	return 0;
}

static int ask_chunk(struct question *q, struct chunk *c, unsigned fields, bool prove, uint64_t *scratch, struct search_answer *a)
{
	size_t words = WORDS_OF(c->is.emails);
	uint64_t *maybe = scratch, *sure = scratch + words, *bits = sure + words, *piece = bits + words;
	memset(scratch, 0, 4 * words * sizeof(*scratch));
	for (enum field f = 0; f < FIELD_COUNT; f++) {
		if (!(fields >> f & 1))
			continue;
		memset(bits, 0, words * sizeof(*bits));
		int r = mark_field(q, c, f, bits, piece);
		if (!r && f == FIELD_ATTACHED)
			r = verify_attached(q, c, bits);
		if (r)
			return r;
		uint64_t *to = f == FIELD_ATTACHED || (prove && q->pattern.exact) ? sure : maybe;
		for (size_t k = 0; k < words; k++)
			to[k] |= bits[k];
	}
	return add_emails(c, maybe, sure, a);
}

static int ask(struct question *q, unsigned fields, bool prove, struct search_answer *a)
{
	struct shelf_state state;
	int r = shelf_state(q->opened->shelf, &state);
	if (!r)
		r = opened_refresh(q->search, q->opened, state.made);
	if (!r)
		r = shelf_unread(q->opened->shelf, &a->unread, &a->n_unread);
	uint64_t *scratch = r ? NULL : calloc(4 * WORDS_OF(CHUNK_EMAILS_MAX), sizeof(*scratch));
	if (!r && !scratch)
		r = ERR_NO_MEMORY;
	for (size_t i = 0; !r && i < q->opened->n_chunks; i++)
		r = ask_chunk(q, &q->opened->chunk[i], fields, prove, scratch, a);
	free(scratch);
	a->known_below = r ? 0 : state.known_below;
	return r;
}

void search_substring(struct search *s, uint64_t account, enum search_field field, struct str folded, struct search_answer *out)
{
	static const unsigned fields[] = {
		[SEARCH_BODY] = 1u << FIELD_BODY | 1u << FIELD_ATTACHED, [SEARCH_TEXT] = 1u << FIELD_HEADER | 1u << FIELD_BODY | 1u << FIELD_ATTACHED,
		[SEARCH_HEADER] = 1u << FIELD_HEADER, [SEARCH_SUBJECT] = 1u << FIELD_SUBJECT, [SEARCH_FROM] = 1u << FIELD_FROM,
		[SEARCH_TO] = 1u << FIELD_RECEIVERS, [SEARCH_CC] = 1u << FIELD_RECEIVERS, [SEARCH_BCC] = 1u << FIELD_RECEIVERS, [SEARCH_OTHERS] = 1u << FIELD_OTHERS,
	};
	bool prove = field == SEARCH_BODY || field == SEARCH_TEXT || field == SEARCH_SUBJECT || field == SEARCH_FROM;
	struct question q = { .search = s, .text = folded };
	*out = (struct search_answer){ .n = 0 };
	if (!s || !pattern_split(folded, &q.pattern))
		return;
	int r = opened_take(s, account, &q.opened);
	if (!r) {
		r = shelf_begin(q.opened->shelf, false);
		if (!r)
			r = ask(&q, fields[field], prove, out);
		shelf_rollback(q.opened->shelf);
		opened_give(s, &q.opened);
	}
	if (r == ERR_CORRUPT || r == ERR_VERSION)
		search_damaged(s, account);
	if (r)
		search_answer_fini(out);
}

void search_answer_fini(struct search_answer *a)
{
	free(a->emails);
	free(a->certain);
	free(a->unread);
	*a = (struct search_answer){ .n = 0 };
}

/* The first that is not less. */
static size_t lower_bound(const uint64_t *v, size_t from, size_t n, uint64_t x)
{
	size_t lo = from, hi = n;
	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;
		if (v[middle] < x)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

bool search_answer_knows(const struct search_answer *a, uint64_t email)
{
	size_t unread = lower_bound(a->unread, 0, a->n_unread, email);
	return email < a->known_below && !(unread < a->n_unread && a->unread[unread] == email);
}

enum search_verdict search_answer_says(struct search_answer *a, uint64_t email)
{
	if (email >= a->known_below)
		return SEARCH_READ_IT;
	/* Mostly the one behind the last one. */
	size_t at = a->near;
	if (at > 0 && a->emails[at - 1] >= email)
		at = lower_bound(a->emails, 0, at, email);
	else if (at < a->n && a->emails[at] < email)
		at = lower_bound(a->emails, at + 1, a->n, email);
	a->near = at;
	if (at < a->n && a->emails[at] == email)
		return a->certain[at >> 6] >> (at & 63) & 1 ? SEARCH_YES : SEARCH_READ_IT;
	return search_answer_knows(a, email) ? SEARCH_NO : SEARCH_READ_IT;
}
