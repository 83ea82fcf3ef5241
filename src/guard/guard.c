#include "guard/inside.h"

#include "base/clock.h"
#include "base/hash.h"
#include "rt/crypto.h"

#include <stdlib.h>

#define SCOPE ((struct store_scope){ STORE_SYSTEM, 0 })
#define KEY_NAME STR("jk")               /* in the store: the key of the hashes */
#define HOUR_S ((int64_t)3600)
#define DAY_S ((int64_t)86400)
#define READ_TRIES 16

/* ---- hashes ---- */

uint64_t guard_hash(const struct guard *g, enum guard_key k, struct str a, struct str b, struct str c)
{
	struct buf text = BUF_INIT(4096);

	buf_add_char(&text, (char)k);
	buf_add_str(&text, a);
	buf_add_char(&text, '\0');
	buf_add_str(&text, b);
	buf_add_char(&text, '\0');
	buf_add_str(&text, c);
	uint64_t hash = hash_siphash_keyed(g->key, buf_str(&text));
	buf_fini(&text);
	return hash ? hash : 1;
}

uint64_t guard_hash_network(const struct guard *g, enum guard_key k, const struct net_addr *network)
{
	return guard_hash(g, k, str_make(network->b, sizeof network->b), STR_NONE, STR_NONE);
}

static int read_key(struct guard *g)
{
	int code = ERR_RETRY;

	for (int tries = 0; code == ERR_RETRY && tries < READ_TRIES; tries++) {
		struct store_read *r = NULL;
		struct str value;
		code = store_begin(g->store, SCOPE, &r);
		if (code == 0)
			code = store_get(r, KEY_NAME, &value);
		if (code == 0 && value.n != sizeof g->key)
			code = ERR_CORRUPT;
		if (code == 0)
			memcpy(g->key, value.p, value.n);
		store_end(&r);
	}
	return code;
}

static int write_key(struct store_write *w, void *arg)
{
	struct guard *g = arg;

	return store_put(w, KEY_NAME, str_make(g->key, sizeof g->key));
}

static int open_key(struct guard *g)
{
	int code = read_key(g);

	if (code != ERR_NOT_FOUND && code != ERR_CORRUPT)
		return code;
	crypto_random(g->key, sizeof g->key);
	/* A damaged one is left to a repair; until then nobody who comes is known from before. */
	return code == ERR_CORRUPT ? 0 : store_commit(g->store, SCOPE, write_key, g);
}

/* ---- the configuration ---- */

static void snapshot_unref(struct snapshot *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	arena_fini(&s->arena);
	free(s);
}

static int snapshot_create(const struct guard_config *c, struct snapshot **out, struct err *e)
{
	struct snapshot *s = calloc(1, sizeof *s);
	int code = 0;

	*out = NULL;
	if (!s)
		return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the guard");
	atomic_init(&s->refs, 1);
	arena_init(&s->arena, 0);
	s->c = *c;
	s->c.hostname = arena_dup(&s->arena, c->hostname);
	s->c.exempt = arena_dup(&s->arena, c->exempt);
	s->c.dnsbl = NULL;
	s->times = (struct greylist_times){ (uint32_t)(c->greylist_delay_ms / 1000), (uint32_t)(c->greylist_window_ms / 1000),
										(uint32_t)(c->greylist_life_ms / 1000), c->greylist_known_after };
	if (c->n_dnsbl > DNSBL_ZONES_MAX)
		code = err_set(e, ERR_CONFIG, NULL, "more than %d block lists", DNSBL_ZONES_MAX);
	for (; code == 0 && s->n_zones < c->n_dnsbl; s->n_zones++)
		code = dnsbl_parse(&s->arena, c->dnsbl[s->n_zones], &s->zones[s->n_zones], e);
	if (code == 0 && s->arena.failed)
		code = err_set(e, ERR_NO_MEMORY, NULL, "no memory for the guard");
	if (code)
		snapshot_unref(s);
	else
		*out = s;
	return code;
}

int guard_set_config(struct guard *g, const struct guard_config *c, struct err *e)
{
	struct snapshot *s;
	int code = snapshot_create(c, &s, e);

	if (code)
		return code;
	pthread_mutex_lock(&g->lock);
	struct snapshot *old = g->newest;
	g->newest = s;
	pthread_mutex_unlock(&g->lock);
	snapshot_unref(old);
	return 0;
}

/* ---- opening, closing, care ---- */

int guard_open(struct store *s, const struct dns_source *dns, const struct guard_config *c, struct guard **out, struct err *e)
{
	struct guard *g = calloc(1, sizeof *g);

	*out = NULL;
	if (!g)
		return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the guard");
	g->store = s;
	g->dns = dns;
	pthread_mutex_init(&g->lock, NULL);
	int code = guard_set_config(g, c, e);
	if (code == 0) {
		code = map_create(&g->crowd);
		if (code == 0)
			code = open_key(g);
		if (code == 0)
			code = ledger_open(s, 'g', GREYLIST_BUCKETS, &g->greylist);
		if (code == 0)
			code = ledger_open(s, 'u', USERS_BUCKETS, &g->users);
		if (code == 0)
			code = ledger_open(NULL, 'n', NETWORKS_BUCKETS, &g->networks);
		if (code)
			err_set(e, code, NULL, "the guard cannot be opened: %s", err_text(code));
	}
	if (code)
		guard_close(&g);
	*out = g;
	return code;
}

void guard_close(struct guard **g)
{
	if (!*g)
		return;
	if ((*g)->greylist)
		(void)ledger_flush((*g)->greylist);
	if ((*g)->users)
		(void)ledger_flush((*g)->users);
	ledger_close(&(*g)->greylist);
	ledger_close(&(*g)->users);
	ledger_close(&(*g)->networks);
	map_destroy(&(*g)->crowd);
	snapshot_unref((*g)->newest);
	pthread_mutex_destroy(&(*g)->lock);
	free(*g);
	*g = NULL;
}

int guard_tick(struct guard *g, int64_t now)
{
	pthread_mutex_lock(&g->lock);
	int64_t life = (int64_t)g->newest->times.life_s;
	bool sweep = now - g->swept >= HOUR_S || now < g->swept;
	if (sweep)
		g->swept = now;
	pthread_mutex_unlock(&g->lock);
	if (sweep) {
		ledger_sweep(g->greylist, now - life);
		ledger_sweep(g->users, now - 2 * DAY_S);
		ledger_sweep(g->networks, now - 2 * HOUR_S);
	}
	int a = ledger_flush(g->greylist), b = ledger_flush(g->users);
	return a ? a : b;
}

void guard_stats(struct guard *g, struct guard_stats *out)
{
	*out = (struct guard_stats){ atomic_load(&g->greylisted), atomic_load(&g->listed), atomic_load(&g->rated), atomic_load(&g->probed),
								 atomic_load(&g->crowded), ledger_count(g->greylist) };
}

/* ---- a visit's beginning and end ---- */

/* RFC 6177 2: a site has a /64 at least; and spammers rent IPv4 by the /24. */
static struct net_addr network_of(const struct net_addr *a)
{
	struct net_addr n = *a;

	if (net_addr_is_v4(a))
		n.b[15] = 0;
	else
		memset(n.b + 8, 0, 8);
	return n;
}

/* Adds by to the connections of the network; returns how many there are. What memory is lacking for is not counted. */
static uintptr_t crowd_add(struct guard *g, const struct net_addr *network, int by)
{
	struct str key = str_make(network->b, sizeof network->b);

	pthread_mutex_lock(&g->lock);
	uintptr_t n = (uintptr_t)map_get(g->crowd, key) + (uintptr_t)by;
	if (n == 0)
		map_remove(g->crowd, key);
	else if (map_put(g->crowd, key, (void *)n))
		n = 0;
	pthread_mutex_unlock(&g->lock);
	return n;
}

static struct guard_visit *visit_create(struct guard *g, const struct net_addr *peer)
{
	struct guard_visit *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->guard = g;
	v->peer = *peer;
	v->network = network_of(peer);
	pthread_mutex_lock(&g->lock);
	v->snapshot = g->newest;
	atomic_fetch_add_explicit(&v->snapshot->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&g->lock);
	v->exempt = network_list_has(v->snapshot->c.exempt, peer);
	return v;
}

void guard_leave(struct guard_visit **v)
{
	if (!*v)
		return;
	if ((*v)->counted)
		crowd_add((*v)->guard, &(*v)->network, -1);
	snapshot_unref((*v)->snapshot);
	free(*v);
	*v = NULL;
}

void guard_connect(struct guard *g, const struct net_addr *peer, struct guard_visit **visit_out, struct guard_verdict *out)
{
	struct guard_visit *v = visit_create(g, peer);

	*visit_out = v;
	*out = (struct guard_verdict){ .decision = GUARD_PASS };
	if (!v || v->exempt)
		return;
	const struct guard_config *c = &v->snapshot->c;
	uintptr_t crowd = crowd_add(g, &v->network, 1);
	v->counted = crowd > 0;
	if (c->connections && crowd > c->connections) {
		atomic_fetch_add(&g->crowded, 1);
		guard_refuse(out, 421, "4.7.0", "Too many connections from your network, try again later");
	} else if (c->connections_per_minute &&
			   rate_count(g->networks, guard_hash_network(g, KEY_CONNECTION, &v->network), 60, clock_now(), 1) > c->connections_per_minute) {
		atomic_fetch_add(&g->crowded, 1);
		guard_refuse(out, 421, "4.7.0", "Your network connects too often, try again later");
	}
}
