#include "guard/rate.h"

/* In an entry: a is the number of the running window, b its count, c the count of the one before. */
static void bring_up(struct ledger_entry *e, uint32_t window)
{
	if (e->a == window)
		return;
	/* a clock that was set back begins anew */
	e->c = e->a + 1 == window ? e->b : 0;
	e->b = 0;
	e->a = window;
}

uint32_t rate_count(struct ledger *l, uint64_t hash, uint32_t window_s, int64_t now, uint32_t add)
{
	uint64_t seconds = now > 0 ? (uint64_t)now : 0;
	struct ledger_entry *e = ledger_hold(l, hash, add > 0, now);
	uint32_t sum = 0;

	if (e) {
		uint32_t left = window_s - (uint32_t)(seconds % window_s);
		bring_up(e, (uint32_t)(seconds / window_s));
		e->b = e->b + add < e->b ? UINT32_MAX : e->b + add;
		if (add)
			e->touched = (uint32_t)seconds;
		uint64_t all = e->b + (uint64_t)e->c * left / window_s;
		sum = all < UINT32_MAX ? (uint32_t)all : UINT32_MAX;
	}
	ledger_release(l, hash, e && add);
	return sum;
}
