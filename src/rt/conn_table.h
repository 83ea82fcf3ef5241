/* All connections by index. Memory of connections stays theirs until the table is destroyed, so that a late epoll event can
 * always be looked up; the generation in conn_state tells whether it still means anybody. Any thread.
 * Lock: table.lock, a leaf. */
#ifndef RT_CONN_TABLE_H
#define RT_CONN_TABLE_H

#include "rt/conn_priv.h"

#define TABLE_CHUNK 64        /* connections allocated at a time */

struct conn_table {
	pthread_mutex_t lock;
	uint32_t max;
	uint32_t made;                       /* indices below this have memory */
	uint32_t *vacant;                    /* a stack of indices to use again */
	uint32_t vacant_count;
	_Atomic(struct conn *) *chunks;      /* arrays of TABLE_CHUNK */
};

int conn_table_init(struct conn_table *t, uint32_t max);     /* 0 or ERR_NO_MEMORY */
void conn_table_fini(struct conn_table *t);
/* Zeroed but for state and index; CONN_QUEUED and with one reference. NULL: full, or out of memory. */
struct conn *conn_table_take(struct conn_table *t);
void conn_table_give(struct conn_table *t, struct conn *c);
/* Whatever is at that index, alive or not; NULL when nothing ever was. */
struct conn *conn_table_at(const struct conn_table *t, uint32_t index);

/* Index and generation in one number: names one connection while the process lives. */
uint64_t conn_key(const struct conn *c);
static inline uint32_t key_index(uint64_t key) { return (uint32_t)key; }
static inline uint32_t key_generation(uint64_t key) { return (uint32_t)(key >> 32); }

#endif
