#include "rt/conn_table.h"

int conn_table_init(struct conn_table *t, uint32_t max)
{
	uint32_t chunks = (max + TABLE_CHUNK - 1) / TABLE_CHUNK;
	*t = (struct conn_table){ .max = max };
	t->vacant = calloc(max, sizeof(*t->vacant));
	t->chunks = calloc(chunks, sizeof(*t->chunks));
	if (!t->vacant || !t->chunks) {
		free(t->vacant);
		free(t->chunks);
		return ERR_NO_MEMORY;
	}
	pthread_mutex_init(&t->lock, NULL);
	return 0;
}

void conn_table_fini(struct conn_table *t)
{
	for (uint32_t i = 0; i * TABLE_CHUNK < t->made; i++)
		free(t->chunks[i]);
	free(t->chunks);
	free(t->vacant);
	pthread_mutex_destroy(&t->lock);
}

struct conn *conn_table_at(const struct conn_table *t, uint32_t index)
{
	if (index >= t->max)
		return NULL;
	struct conn *chunk = atomic_load(&t->chunks[index / TABLE_CHUNK]);
	return chunk ? &chunk[index % TABLE_CHUNK] : NULL;
}

/* An index that has memory; t->max when there is none. */
static uint32_t take_index(struct conn_table *t)
{
	if (t->vacant_count > 0)
		return t->vacant[--t->vacant_count];
	if (t->made == t->max)
		return t->max;
	if (t->made % TABLE_CHUNK == 0) {
		struct conn *chunk = calloc(TABLE_CHUNK, sizeof(*chunk));
		if (!chunk)
			return t->max;
		atomic_store(&t->chunks[t->made / TABLE_CHUNK], chunk);
	}
	return t->made++;
}

struct conn *conn_table_take(struct conn_table *t)
{
	pthread_mutex_lock(&t->lock);
	uint32_t index = take_index(t);
	pthread_mutex_unlock(&t->lock);
	struct conn *c = conn_table_at(t, index);
	if (!c)
		return NULL;
	c->index = index;
	atomic_store(&c->refs, 1);
	conn_state_open(&c->state, CONN_QUEUED);
	c->timer.key = conn_key(c);
	return c;
}

void conn_table_give(struct conn_table *t, struct conn *c)
{
	/* The state word stays: the next connection here takes the next generation. So does the word that others read. */
	uint32_t index = c->index;
	size_t after = offsetof(struct conn, listed) + sizeof(c->listed);
	memset(c, 0, offsetof(struct conn, state));
	memset((char *)c + after, 0, sizeof(*c) - after);
	pthread_mutex_lock(&t->lock);
	t->vacant[t->vacant_count++] = index;
	pthread_mutex_unlock(&t->lock);
}

uint64_t conn_key(const struct conn *c) { return (uint64_t)conn_state_generation(&c->state) << 32 | c->index; }
