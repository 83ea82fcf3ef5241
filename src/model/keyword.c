#include "model/keyword.h"

#include "model/index.h"

#define KEYWORD_BITS (~(uint64_t)0 << MESSAGE_KEYWORD_SHIFT)

/* Keywords come and go; a mailbox that had 56 in its life need not refuse the next one. Rare, so it may look at all
 * messages. */
static int free_unused(struct change *c, struct mailbox_record *m, uint64_t in_use)
{
	struct index_walk walk = index_walk_begin(change_source(c), m->id, NULL);
	struct page_edit page;
	int rc;
	/* Graves hold flags in the terms of the bin. */
	if (m->bin && c->state.grave_pages)
		return 0;
	while ((rc = index_walk_next(&walk, &page)) == 1)
		for (uint32_t i = 0; i < page.count; i++)
			in_use |= page.m[i].flags;
	if (!rc)
		mailbox_record_keywords_free(m, ~in_use & KEYWORD_BITS);
	return rc;
}

static int make_bit(struct change *c, struct mailbox_record *m, struct str name, uint64_t in_use, uint64_t *bit_out)
{
	*bit_out = mailbox_record_keyword_make(m, name);
	if (*bit_out || name.n == 0 || name.n > KEYWORD_LENGTH_MAX)
		return 0;
	int rc = free_unused(c, m, in_use);
	if (!rc)
		*bit_out = mailbox_record_keyword_make(m, name);
	return rc;
}

int keyword_bits(struct change *c, struct mailbox_record *m, const struct str *names, size_t n, bool make,
				 uint64_t keep, uint64_t *bits_out, size_t *missing_out)
{
	*bits_out = 0;
	*missing_out = 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t bit = mailbox_record_keyword_bit(m, names[i]);
		int rc = bit || !make ? 0 : make_bit(c, m, names[i], keep | *bits_out, &bit);
		if (rc)
			return rc;
		*bits_out |= bit;
		*missing_out += bit == 0;
	}
	return 0;
}

int keyword_map_flags(struct change *c, struct keyword_map *map, uint64_t flags, uint64_t *out)
{
	*out = flags & MESSAGE_SYSTEM_FLAGS;
	uint64_t keywords = map->from == map->to ? 0 : flags & KEYWORD_BITS;
	if (map->from == map->to)
		*out = flags;
	for (unsigned i = 0; keywords >> MESSAGE_KEYWORD_SHIFT >> i; i++) {
		uint64_t bit = (uint64_t)1 << (MESSAGE_KEYWORD_SHIFT + i);
		if (!(keywords & bit))
			continue;
		if (!(map->known & bit)) {
			uint64_t used = *out;
			for (unsigned k = 0; k < KEYWORDS_MAX; k++)
				used |= map->known >> (MESSAGE_KEYWORD_SHIFT + k) & 1 ? map->bit[k] : 0;
			struct str name = i < map->from->n_keywords ? mailbox_record_keyword(map->from, i) : STR_NONE;
			int rc = make_bit(c, map->to, name, used, &map->bit[i]);
			if (rc)
				return rc;
			map->known |= bit;
		}
		*out |= map->bit[i];
	}
	return 0;
}
