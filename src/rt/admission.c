#include "rt/admission.h"

#include "base/err.h"

/* The maps hold the counts themselves, as pointers that point nowhere. */
static uintptr_t count_of(const struct map *m, struct str key) { return (uintptr_t)map_get(m, key); }

int admission_init(struct admission *a, unsigned per_addr, unsigned per_user)
{
	*a = (struct admission){ .per_addr = per_addr, .per_user = per_user };
	if (map_create(&a->by_addr) < 0)
		return ERR_NO_MEMORY;
	if (map_create(&a->by_user) < 0) {
		map_destroy(&a->by_addr);
		return ERR_NO_MEMORY;
	}
	pthread_mutex_init(&a->lock, NULL);
	return 0;
}

void admission_fini(struct admission *a)
{
	map_destroy(&a->by_addr);
	map_destroy(&a->by_user);
	pthread_mutex_destroy(&a->lock);
}

static int enter(struct admission *a, struct map *m, struct str key, unsigned most)
{
	pthread_mutex_lock(&a->lock);
	uintptr_t count = count_of(m, key);
	int r = count < most ? map_put(m, key, (void *)(count + 1)) : ERR_BUSY;
	pthread_mutex_unlock(&a->lock);
	return r;
}

static void leave(struct admission *a, struct map *m, struct str key)
{
	pthread_mutex_lock(&a->lock);
	uintptr_t count = count_of(m, key);
	if (count > 1)
		map_put(m, key, (void *)(count - 1));        /* replaces: needs no memory */
	else
		map_remove(m, key);
	pthread_mutex_unlock(&a->lock);
}

int admission_enter_addr(struct admission *a, const struct net_addr *addr)
{
	struct net_addr key = net_addr_peer_key(addr);
	return enter(a, a->by_addr, str_make(key.b, sizeof(key.b)), a->per_addr);
}

void admission_leave_addr(struct admission *a, const struct net_addr *addr)
{
	struct net_addr key = net_addr_peer_key(addr);
	leave(a, a->by_addr, str_make(key.b, sizeof(key.b)));
}

int admission_enter_user(struct admission *a, struct str user) { return enter(a, a->by_user, user, a->per_user); }
void admission_leave_user(struct admission *a, struct str user) { leave(a, a->by_user, user); }
