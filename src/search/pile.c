#include "search/pile.h"

#include "base/err.h"
#include "base/hash.h"
#include "search/words.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 4096u

struct pile_term {
	uint64_t hash;
	uint32_t at, n;              /* in the text */
	uint32_t last;               /* the last email that has it, plus 1 */
	uint32_t count;
};
struct pile_pair { uint32_t term, place; };

void pile_init(struct pile *p)
{
	*p = (struct pile){ .text = BUF_INIT(0), .terms = BUF_INIT(0), .pairs = BUF_INIT(0) };
}

void pile_fini(struct pile *p)
{
	buf_fini(&p->text);
	buf_fini(&p->terms);
	buf_fini(&p->pairs);
	free(p->slots);
	p->slots = NULL;
	p->n_slots = 0;
}

void pile_reset(struct pile *p)
{
	buf_reset(&p->text);
	buf_reset(&p->terms);
	buf_reset(&p->pairs);
	if (p->n_slots)
		memset(p->slots, 0, p->n_slots * sizeof(*p->slots));
	p->failed = false;
}

static struct pile_term *terms_of(const struct pile *p) { return (struct pile_term *)(void *)p->terms.p; }
static size_t term_count(const struct pile *p) { return p->terms.n / sizeof(struct pile_term); }
size_t pile_postings(const struct pile *p) { return p->pairs.n / sizeof(struct pile_pair); }

static bool grow(struct pile *p)
{
	size_t n = p->n_slots ? p->n_slots * 2 : SLOTS_MIN;
	uint32_t *slots = calloc(n, sizeof(*slots));
	if (!slots)
		return false;
	const struct pile_term *terms = terms_of(p);
	for (size_t i = 0; i < term_count(p); i++) {
		size_t at = terms[i].hash & (n - 1);
		while (slots[at])
			at = (at + 1) & (n - 1);
		slots[at] = (uint32_t)i + 1;
	}
	free(p->slots);
	p->slots = slots;
	p->n_slots = n;
	return true;
}

/* The number of the term, made when it is new. */
static bool find(struct pile *p, struct str term, uint32_t *out)
{
	if (term_count(p) * 2 >= p->n_slots && !grow(p))
		return false;
	uint64_t hash = hash_siphash(term);
	size_t at = hash & (p->n_slots - 1);
	for (; p->slots[at]; at = (at + 1) & (p->n_slots - 1)) {
		const struct pile_term *t = &terms_of(p)[p->slots[at] - 1];
		if (t->hash == hash && t->n == term.n && memcmp(p->text.p + t->at, term.p, term.n) == 0) {
			*out = p->slots[at] - 1;
			return true;
		}
	}
	struct pile_term made = { .hash = hash, .at = (uint32_t)p->text.n, .n = (uint32_t)term.n };
	*out = (uint32_t)term_count(p);
	buf_add_str(&p->text, term);
	buf_add(&p->terms, &made, sizeof(made));
	p->slots[at] = *out + 1;
	return !p->text.failed && !p->terms.failed;
}

void pile_add(struct pile *p, uint32_t place, struct str text)
{
	struct words w = words_of(text);
	struct str word;
	while (!p->failed && words_next(&w, &word)) {
		uint32_t number;
		if (!find(p, word, &number)) {
			p->failed = true;
			return;
		}
		struct pile_term *t = &terms_of(p)[number];
		if (t->last == place + 1)
			continue;
		t->last = place + 1;
		t->count++;
		buf_add(&p->pairs, &(struct pile_pair){ number, place }, sizeof(struct pile_pair));
	}
	p->failed |= p->pairs.failed;
}

void pile_take_back(struct pile *p, size_t postings)
{
	const struct pile_pair *pairs = (const struct pile_pair *)(const void *)p->pairs.p;
	for (size_t i = postings; i < pile_postings(p); i++) {
		struct pile_term *t = &terms_of(p)[pairs[i].term];
		t->count--;
		t->last = 0;
	}
	p->pairs.n = postings * sizeof(struct pile_pair);
}

struct sorted { struct str text; uint32_t number; };

static int compare(const void *a, const void *b)
{
	return str_cmp(((const struct sorted *)a)->text, ((const struct sorted *)b)->text);
}

/* Postings by term: those of term i stand before ends[i]. The order within a term stays. */
static void distribute(const struct pile *p, uint32_t *ends, uint32_t *places)
{
	const struct pile_term *terms = terms_of(p);
	const struct pile_pair *pairs = (const struct pile_pair *)(const void *)p->pairs.p;
	uint32_t sum = 0;
	for (size_t i = 0; i < term_count(p); i++) {
		ends[i] = sum;
		sum += terms[i].count;
	}
	for (size_t i = 0; i < pile_postings(p); i++)
		places[ends[pairs[i].term]++] = pairs[i].place;
}

int pile_write(struct pile *p, struct block_writer *w)
{
	size_t n = term_count(p);
	if (n == 0)
		return 0;
	struct sorted *sorted = calloc(n, sizeof(*sorted));
	uint32_t *ends = calloc(n, sizeof(*ends)), *places = calloc(pile_postings(p) + 1, sizeof(*places));
	int err = sorted && ends && places ? 0 : ERR_NO_MEMORY;
	if (!err) {
		const struct pile_term *terms = terms_of(p);
		distribute(p, ends, places);
		for (size_t i = 0; i < n; i++)
			sorted[i] = (struct sorted){ str_sub(buf_str(&p->text), terms[i].at, terms[i].n), (uint32_t)i };
		qsort(sorted, n, sizeof(*sorted), compare);
		for (size_t i = 0; i < n; i++) {
			uint32_t number = sorted[i].number, count = terms[number].count;
			if (count)
				block_writer_add(w, sorted[i].text, places + ends[number] - count, count);
		}
	}
	free(sorted);
	free(ends);
	free(places);
	return err;
}
