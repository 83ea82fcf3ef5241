#include "outbound/source.h"

#include "base/clock.h"
#include "rt/crypto.h"

static int64_t today(void) { return clock_now() / 86400; }

int source_choose(struct outbound *o, const struct setup *s, const struct route *route, const struct net_addr *peer, const struct net_addr **out, struct trouble *t)
{
	const struct net_addr *all = route->n_sources ? route->sources : s->sources, *fit[ROUTE_SOURCES_MAX];
	size_t n = route->n_sources ? route->n_sources : s->n_sources, family = 0, n_fit = 0;
	uint32_t allowance = route->warmup ? warmup_allowance(route->warmup, today()) : 0, r;

	*out = NULL;
	if (!n)
		return 0;
	for (size_t i = 0; i < n && n_fit < ROUTE_SOURCES_MAX; i++) {
		if (net_addr_is_v4(&all[i]) != net_addr_is_v4(peer))
			continue;
		family++;
		if (!route->warmup || warmup_has_room(o->warmup, &all[i], today(), allowance))
			fit[n_fit++] = &all[i];
	}
	if (!n_fit) {
		if (family)
			trouble_set(t, "4.4.5", "all source addresses have sent what they may today (%u messages each)", allowance);
		else
			trouble_set(t, "4.4.1", "no source address of the peer's family is configured");
		return family ? ERR_BUSY : ERR_NOT_FOUND;
	}
	crypto_random(&r, sizeof r);
	*out = fit[r % n_fit];
	return 0;
}

bool source_take(struct outbound *o, const struct route *route, const struct net_addr *local)
{
	return !route->warmup || warmup_take(o->warmup, local, today(), warmup_allowance(route->warmup, today()));
}
