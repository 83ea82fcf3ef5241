#include "guard/greylist.h"

#include "base/ascii.h"
#include "guard/limits.h"

/* In an entry: a is when it came first (of a triplet that has not passed yet), b how often it passed (of a network: how many triplets have). */

/* Notes that a known entry was met; writing it again each time would be a write for each message. */
static bool touch(struct ledger_entry *e, uint32_t now)
{
	bool old = e->touched + GREYLIST_TOUCH_S <= now;

	if (old)
		e->touched = now;
	return old;
}

static bool is_known(struct ledger *l, const struct greylist_times *t, uint64_t network, uint32_t now)
{
	struct ledger_entry *e = t->known_after ? ledger_hold(l, network, false, now) : NULL;
	bool known, changed = false;

	if (!t->known_after)
		return false;
	known = e && e->b >= t->known_after && e->touched + t->life_s >= now;
	if (known)
		changed = touch(e, now);
	ledger_release(l, network, changed);
	return known;
}

/* What the triplet is asked to do; *passed_out: it has just passed for the first time. */
static uint32_t ask_triplet(struct ledger_entry *e, const struct greylist_times *t, uint32_t now, bool *changed_out, bool *passed_out)
{
	uint32_t waited = now > e->a ? now - e->a : 0;

	*changed_out = true;
	if (e->b && e->touched + t->life_s >= now) {
		*changed_out = touch(e, now);
		return 0;
	}
	if (e->b || !e->a || e->a > now || waited > t->window_s) {
		e->a = e->touched = now;
		e->b = 0;
		return t->delay_s;
	}
	if (waited < t->delay_s) {
		*changed_out = false;
		return t->delay_s - waited;
	}
	e->b = 1;
	e->touched = now;
	*passed_out = true;
	return 0;
}

static void note_success(struct ledger *l, uint64_t network, uint32_t now)
{
	struct ledger_entry *e = ledger_hold(l, network, true, now);

	if (e) {
		e->b += e->b < UINT32_MAX;
		e->touched = now;
	}
	ledger_release(l, network, true);
}

uint32_t greylist_ask(struct ledger *l, const struct greylist_times *t, uint64_t network, uint64_t triplet, int64_t now_s)
{
	uint32_t now = (uint32_t)now_s, wait = 0;
	bool changed = false, passed = false;

	if (is_known(l, t, network, now))
		return 0;
	struct ledger_entry *e = ledger_hold(l, triplet, true, now);
	if (e)
		wait = ask_triplet(e, t, now, &changed, &passed);
	ledger_release(l, triplet, changed);
	if (passed)
		note_success(l, network, now);
	return wait;
}

void greylist_sender(struct str sender, struct buf *out)
{
	size_t at = str_rchr(sender, '@');
	struct str local = at == STR_NPOS ? sender : str_sub(sender, 0, at), domain = at == STR_NPOS ? STR_NONE : str_from(sender, at);
	struct str tag, rest;

	if (str_istarts(local, STR("prvs=")) && str_cut(str_from(local, 5), '=', &tag, &rest))
		local = rest;
	str_cut(local, '+', &local, &rest);
	for (size_t i = 0; i < local.n; i++) {
		bool digit = ascii_is_digit(local.p[i]);
		if (!digit || i == 0 || !ascii_is_digit(local.p[i - 1]))
			buf_add_char(out, digit ? '#' : (char)ascii_lower(local.p[i]));
	}
	for (size_t i = 0; i < domain.n; i++)
		buf_add_char(out, (char)ascii_lower(domain.p[i]));
}
