#include "backup/growth.h"

#include "backup/limits.h"
#include "base/clock.h"
#include "rt/fault.h"

static uint64_t index_size(struct store *s)
{
	struct store_stats stats;
	store_stats(s, &stats);
	return stats.map_used;
}

void growth_begin(struct growth *g, struct store *s, uint64_t bytes_max, uint64_t ms_max)
{
	uint64_t now = clock_mono_ms();
	*g = (struct growth){ .store = s, .size = index_size(s), .began_ms = now, .looked_ms = now, .bytes_max = bytes_max, .ms_max = ms_max };
}

void growth_look(struct growth *g)
{
	uint64_t size = index_size(g->store);
	g->looked_ms = clock_mono_ms();
	g->ms = g->looked_ms - g->began_ms;
	g->bytes = size > g->size ? size - g->size : 0;
}

static bool is_over(const struct growth *g) { return g->ms > g->ms_max || g->bytes > g->bytes_max; }

bool growth_is_over(struct growth *g)
{
	uint64_t now = clock_mono_ms();
	g->ms = now - g->began_ms;
	if (now - g->looked_ms >= SHOT_LOOK_MS)
		growth_look(g);
	return is_over(g);
}

bool growth_is_over_at_pair(struct growth *g)
{
	if (++g->pairs < GROWTH_LOOK_PAIRS)
		return false;
	g->pairs = 0;
	growth_look(g);
	return is_over(g) || (g->bytes_max != UINT64_MAX && fault_hit("backup.growth"));      /* as if it had grown */
}
