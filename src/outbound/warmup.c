#include "outbound/warmup.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "base/map.h"
#include "rt/log.h"

#include <pthread.h>

/* 'O' 'w' and the 16 octets of the address -> le64 day, le64 messages. */
#define KEY_N (2 + sizeof(struct net_addr))
#define VALUE_N 16

struct count {
	int64_t day;
	uint64_t messages;
	bool changed;
};
struct warmup_counts {
	struct store *store;
	pthread_mutex_t lock;             /* not held while the store is asked */
	struct map *by_source;
};

static const struct store_scope scope = { STORE_SYSTEM, 0 };

static int load_all(struct warmup_counts *w)
{
	struct store_read *r;
	struct store_iter *it;
	struct str key, value;
	int code = store_begin(w->store, scope, &r);

	if (code)
		return code;
	code = store_range(r, STR("Ow"), STR("Ox"), false, &it);
	while (code == 0 && store_next(it, &key, &value) == 1) {
		struct count *c = key.n == KEY_N && value.n == VALUE_N ? calloc(1, sizeof *c) : NULL;
		if (!c)
			continue;
		c->day = (int64_t)load_le64(value.p);
		c->messages = load_le64(value.p + 8);
		if (map_put(w->by_source, str_from(key, 2), c))
			free(c);
	}
	if (code == 0)
		store_iter_end(&it);
	store_end(&r);
	return code;
}

int warmup_open(struct store *s, struct warmup_counts **out)
{
	struct warmup_counts *w = calloc(1, sizeof *w);

	*out = NULL;
	if (!w)
		return ERR_NO_MEMORY;
	w->store = s;
	pthread_mutex_init(&w->lock, NULL);
	int r = map_create(&w->by_source);
	if (r == 0)
		r = load_all(w);
	if (r)
		warmup_close(&w);
	*out = w;
	return r;
}

void warmup_close(struct warmup_counts **w)
{
	struct str key;
	void *value;

	if (!*w)
		return;
	if ((*w)->by_source) {
		warmup_save(*w);
		for (size_t at = 0; map_next((*w)->by_source, &at, &key, &value);)
			free(value);
	}
	map_destroy(&(*w)->by_source);
	pthread_mutex_destroy(&(*w)->lock);
	free(*w);
	*w = NULL;
}

/* The lock is held. */
static struct count *today(struct warmup_counts *w, const struct net_addr *source, int64_t day)
{
	struct str key = str_make(source->b, sizeof source->b);
	struct count *c = map_get(w->by_source, key);

	if (!c) {
		c = calloc(1, sizeof *c);
		if (c && map_put(w->by_source, key, c)) {
			free(c);
			c = NULL;
		}
	}
	if (c && c->day != day)
		*c = (struct count){ .day = day };
	return c;
}

static bool look(struct warmup_counts *w, const struct net_addr *source, int64_t day, uint32_t allowance, uint32_t take)
{
	pthread_mutex_lock(&w->lock);
	struct count *c = today(w, source, day);
	bool room = c && c->messages < allowance;
	if (room && take) {
		c->messages += take;
		c->changed = true;
	}
	pthread_mutex_unlock(&w->lock);
	return room;
}

bool warmup_take(struct warmup_counts *w, const struct net_addr *source, int64_t day, uint32_t allowance) { return look(w, source, day, allowance, 1); }

bool warmup_has_room(struct warmup_counts *w, const struct net_addr *source, int64_t day, uint32_t allowance)
{
	return look(w, source, day, allowance, 0);
}

/* ---- writing ---- */

static int write_rows(struct store_write *write, void *arg)
{
	const struct buf *rows = arg;
	int r = 0;

	for (size_t at = 0; r == 0 && at < rows->n; at += KEY_N + VALUE_N)
		r = store_put(write, str_make(rows->p + at, KEY_N), str_make(rows->p + at + KEY_N, VALUE_N));
	return r;
}

void warmup_save(struct warmup_counts *w)
{
	struct buf rows = BUF_INIT(0);
	struct str key;
	void *value;

	pthread_mutex_lock(&w->lock);
	for (size_t at = 0; map_next(w->by_source, &at, &key, &value);) {
		struct count *c = value;
		if (!c->changed)
			continue;
		buf_add_lit(&rows, "Ow");
		buf_add_str(&rows, key);
		buf_add_le64(&rows, (uint64_t)c->day);
		buf_add_le64(&rows, c->messages);
		c->changed = false;
	}
	pthread_mutex_unlock(&w->lock);
	int r = rows.failed ? ERR_NO_MEMORY : rows.n ? store_commit(w->store, scope, write_rows, &rows) : 0;
	if (r)
		log_event(LOG_WARN, "outbound.warmup-not-saved", LOG_LIST(LOG_C("error", err_text(r))));
	buf_fini(&rows);
}
