#include "rt/conn_shed.h"

#include "base/clock.h"
#include "rt/conn_priv.h"
#include "rt/fault.h"
#include "rt/server_priv.h"

#include <poll.h>

/* ---- the order ---- */

struct net_addr shed_network(const struct net_addr *peer)
{
	struct net_addr network = *peer;
	size_t kept = net_addr_is_v4(peer) ? 15 : 6;
	memset(network.b + kept, 0, sizeof(network.b) - kept);
	return network;
}

static int compare(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

/* By network, the youngest first. */
static int by_network(const void *left, const void *right)
{
	const struct shed_holder *a = left, *b = right;
	int r = memcmp(a->network.b, b->network.b, sizeof(a->network.b));
	return r ? r : compare(b->opened_us, a->opened_us);
}

static int by_turn(const void *left, const void *right)
{
	const struct shed_holder *a = left, *b = right;
	int r = compare(b->depth, a->depth);
	return r ? r : compare(a->opened_us, b->opened_us);
}

void shed_order(struct shed_holder *all, size_t n)
{
	if (n == 0)
		return;
	qsort(all, n, sizeof(*all), by_network);
	for (size_t i = 0; i < n; i++) {
		bool same = i > 0 && memcmp(all[i].network.b, all[i - 1].network.b, sizeof(all[i].network.b)) == 0;
		all[i].depth = all[i].held + (same ? all[i - 1].depth : 0);
	}
	qsort(all, n, sizeof(*all), by_turn);
}

/* ---- the connections ---- */

struct pile {
	struct shed_holder *v;
	size_t n, cap;
	uint64_t all;                /* bytes that they hold */
	uint64_t going;              /* bytes of those that were told already */
};

static bool add(struct pile *p, const struct shed_holder *h)
{
	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : SHED_PILE_FIRST;
		struct shed_holder *grown = realloc(p->v, cap * sizeof(*grown));
		if (!grown)
			return false;
		p->v = grown;
		p->cap = cap;
	}
	p->v[p->n++] = *h;
	p->all += h->held;
	return true;
}

static bool look(struct server *s, struct conn *c, uint32_t index, struct shed_holder *out)
{
	pthread_mutex_t *lock = &s->view_locks[index % CONN_VIEW_LOCKS];
	pthread_mutex_lock(lock);
	bool may = atomic_load_explicit(&c->listed, memory_order_relaxed) && !c->user && !c->listener->watches;
	if (may)
		*out = (struct shed_holder){ .key = conn_key(c), .opened_us = c->view.opened_us, .held = atomic_load_explicit(&c->held, memory_order_relaxed),
		                             .network = shed_network(&c->peer.addr) };
	pthread_mutex_unlock(lock);
	return may && out->held > 0;
}

static void gather(struct server *s, struct pile *p)
{
	struct conn *c;
	struct shed_holder h;
	for (uint32_t i = 0; (c = conn_table_at(&s->table, i)); i++) {
		if (!look(s, c, i, &h))
			continue;
		if (conn_state_has(&c->state, NEWS_SHED))
			p->going += h.held;
		else if (!add(p, &h))
			return;
	}
}

/* What should be given back. Where users hold most of it, that is not all the others have: who came last would go with the crowd. */
static uint64_t wanted(uint64_t max, uint64_t left, const struct pile *p)
{
	uint64_t least = left > SHED_HIGH(max) ? left - SHED_HIGH(max) : 0, most = left > SHED_LOW(max) ? left - SHED_LOW(max) : 0;
	if (most > p->all / 2)
		most = p->all / 2;
	return most > least ? most : least;
}

/* At once, and not through the queue: there they would stand behind the crowd that fills the room anew. Bytes given back, now or soon. */
static uint64_t end(struct worker *w, const struct pile *p, uint64_t bytes)
{
	uint64_t given = 0;
	for (size_t i = 0; i < p->n && given < bytes; i++) {
		struct conn *c = conn_table_at(&w->server->table, key_index(p->v[i].key));
		if (conn_state_post(&c->state, key_generation(p->v[i].key), NEWS_SHED, CONN_RUNNING) == POST_OWNED)
			conn_turn(w, c);
		given += p->v[i].held;
	}
	return given;
}

/* Another thread is at it: who fills the room meanwhile waits for it, a moment. */
static bool await_relief(const struct worker *w)
{
	struct server *s = w->server;
	for (int i = 0; !w->sheds && i < SHED_WAIT_MS && atomic_load(&s->shedding) && atomic_load(&s->held) > s->config.memory_max; i++)
		poll(NULL, 0, 1);
	return true;
}

static bool shed_once(struct worker *w)
{
	struct server *s = w->server;
	struct pile p = { .v = NULL };
	uint64_t max = s->config.memory_max;
	gather(s, &p);
	if (fault_hit("rt.slow_shed"))
		poll(NULL, 0, 20);
	shed_order(p.v, p.n);
	uint64_t held = atomic_load(&s->held), left = held > p.going ? held - p.going : 0;
	uint64_t given = end(w, &p, wanted(max, left, &p));
	if (given == 0 && left > SHED_HIGH(max))
		atomic_store(&s->shed_after_ms, clock_mono_ms() + SHED_PAUSE_MS);
	free(p.v);
	return left <= SHED_HIGH(max) + given;
}

bool conn_shed(struct worker *w)
{
	struct server *s = w->server;
	bool relief = clock_mono_ms() >= atomic_load(&s->shed_after_ms);
	atomic_store(&s->shed_again, true);
	/* who comes while another thread is at it may not have been seen by that one, and might be the last to come: it looks again */
	while (atomic_load(&s->shed_again) && atomic_load(&s->held) > SHED_HIGH(s->config.memory_max) && clock_mono_ms() >= atomic_load(&s->shed_after_ms)) {
		if (atomic_exchange(&s->shedding, true))
			return await_relief(w);
		w->sheds = true;
		atomic_store(&s->shed_again, false);
		relief = shed_once(w);
		w->sheds = false;
		atomic_store(&s->shedding, false);
	}
	return relief;
}
