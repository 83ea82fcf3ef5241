#include "base/map.h"

#include "base/err.h"
#include "base/hash.h"

#define MAP_FIRST_CAP ((size_t)16)

/* Open addressing with linear probing. A slot is empty (key NULL), removed (key is `removed`: probing goes on past
 * it) or taken. Removing never moves other entries, so that an iteration may remove what it visits. */
struct slot {
	uint64_t hash;
	char *key;
	size_t n;
	void *value;
};

struct map {
	struct slot *slots;
	size_t cap;       /* a power of two */
	size_t count;
	size_t filled;    /* count and the removed ones: at most 3/4 of cap */
};

static char removed[1];

static bool is_taken(const struct slot *slot) { return slot->key && slot->key != removed; }

int map_create(struct map **out)
{
	*out = NULL;
	struct map *m = calloc(1, sizeof(*m));
	if (!m)
		return ERR_NO_MEMORY;
	m->slots = calloc(MAP_FIRST_CAP, sizeof(*m->slots));
	if (!m->slots) {
		free(m);
		return ERR_NO_MEMORY;
	}
	m->cap = MAP_FIRST_CAP;
	*out = m;
	return 0;
}

void map_destroy(struct map **m)
{
	if (!m || !*m)
		return;
	for (size_t i = 0; i < (*m)->cap; i++)
		if (is_taken(&(*m)->slots[i]))
			free((*m)->slots[i].key);
	free((*m)->slots);
	free(*m);
	*m = NULL;
}

static struct slot *find(const struct map *m, struct str key, uint64_t hash)
{
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct slot *slot = &m->slots[i];
		if (!slot->key)
			return NULL;
		if (slot->hash == hash && slot->key != removed && str_eq(str_make(slot->key, slot->n), key))
			return slot;
	}
}

/* Where a new entry goes. */
static struct slot *find_free(struct slot *slots, size_t cap, uint64_t hash)
{
	size_t i = hash & (cap - 1);
	while (is_taken(&slots[i]))
		i = (i + 1) & (cap - 1);
	return &slots[i];
}

/* A table fit for one more entry than now, without the removed ones. 0 or ERR_NO_MEMORY. */
static int rebuild(struct map *m)
{
	size_t cap = MAP_FIRST_CAP;
	while (cap / 2 <= m->count)
		cap *= 2;
	struct slot *slots = calloc(cap, sizeof(*slots));
	if (!slots)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < m->cap; i++)
		if (is_taken(&m->slots[i]))
			*find_free(slots, cap, m->slots[i].hash) = m->slots[i];
	free(m->slots);
	m->slots = slots;
	m->cap = cap;
	m->filled = m->count;
	return 0;
}

void *map_get(const struct map *m, struct str key)
{
	if (m->count == 0)
		return NULL;
	const struct slot *slot = find(m, key, hash_siphash(key));
	return slot ? slot->value : NULL;
}

int map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = hash_siphash(key);
	struct slot *slot = find(m, key, hash);
	if (slot) {
		slot->value = value;
		return 0;
	}
	if (m->filled + 1 > m->cap / 4 * 3 && rebuild(m))
		return ERR_NO_MEMORY;
	char *copy = str_dup_c(key);
	if (!copy)
		return ERR_NO_MEMORY;
	slot = find_free(m->slots, m->cap, hash);
	m->filled += slot->key == NULL;
	m->count++;
	*slot = (struct slot){ hash, copy, key.n, value };
	return 0;
}

void *map_remove(struct map *m, struct str key)
{
	if (m->count == 0)
		return NULL;
	struct slot *slot = find(m, key, hash_siphash(key));
	if (!slot)
		return NULL;
	void *value = slot->value;
	free(slot->key);
	*slot = (struct slot){ .key = removed };
	m->count--;
	/* At the end of its chain a removed slot holds nothing together, nor do those before it. */
	size_t i = (size_t)(slot - m->slots);
	if (m->slots[(i + 1) & (m->cap - 1)].key == NULL)
		for (; m->slots[i].key == removed; i = (i - 1) & (m->cap - 1)) {
			m->slots[i].key = NULL;
			m->filled--;
		}
	return value;
}

size_t map_count(const struct map *m) { return m->count; }

bool map_next(const struct map *m, size_t *pos, struct str *key_out, void **value_out)
{
	for (; *pos < m->cap; ++*pos) {
		const struct slot *slot = &m->slots[*pos];
		if (!is_taken(slot))
			continue;
		*key_out = str_make(slot->key, slot->n);
		*value_out = slot->value;
		++*pos;
		return true;
	}
	return false;
}
