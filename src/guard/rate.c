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

static uint64_t seconds_of(int64_t now) { return now > 0 ? (uint64_t)now : 0; }

/* The sum as it stands. */
static uint32_t look(struct ledger_entry *e, uint32_t window_s, uint64_t seconds)
{
	uint32_t left = window_s - (uint32_t)(seconds % window_s);
	bring_up(e, (uint32_t)(seconds / window_s));
	uint64_t all = e->b + (uint64_t)e->c * left / window_s;
	return all < UINT32_MAX ? (uint32_t)all : UINT32_MAX;
}

static void add_to(struct ledger_entry *e, uint32_t add, uint64_t seconds)
{
	e->b = e->b + add < e->b ? UINT32_MAX : e->b + add;
	if (add)
		e->touched = (uint32_t)seconds;
}

uint32_t rate_count(struct ledger *l, uint64_t hash, uint32_t window_s, int64_t now, uint32_t add)
{
	uint64_t seconds = seconds_of(now);
	struct ledger_entry *e = ledger_hold(l, hash, add > 0, now);
	uint32_t sum = 0;

	if (e) {
		bring_up(e, (uint32_t)(seconds / window_s));
		add_to(e, add, seconds);
		sum = look(e, window_s, seconds);
	}
	ledger_release(l, hash, e && add);
	return sum;
}

bool rate_take(struct ledger *l, uint64_t hash, uint32_t window_s, int64_t now, uint32_t most)
{
	uint64_t seconds = seconds_of(now);
	struct ledger_entry *e = ledger_hold(l, hash, true, now);
	bool may = !e || look(e, window_s, seconds) < most;

	if (e && may)
		add_to(e, 1, seconds);
	ledger_release(l, hash, e && may);
	return may;
}

void rate_give_back(struct ledger *l, uint64_t hash, uint32_t window_s, int64_t now)
{
	struct ledger_entry *e = ledger_hold(l, hash, false, now);
	bool has = e && e->b > 0 && e->a == (uint32_t)(seconds_of(now) / window_s);

	if (has)
		e->b--;
	ledger_release(l, hash, has);
}
