/* What the files of this room share; nobody else includes it. */
#ifndef GUARD_INSIDE_H
#define GUARD_INSIDE_H

#include "base/arena.h"
#include "base/map.h"
#include "guard/dnsbl.h"
#include "guard/greylist.h"
#include "guard/guard.h"
#include "guard/ledger.h"
#include "guard/rate.h"

#include <pthread.h>
#include <stdatomic.h>

/* A configuration as visits use it: counted, freed with its last visit. */
struct snapshot {
	atomic_uint refs;
	struct arena arena;                  /* all strings */
	struct guard_config c;
	struct greylist_times times;
	struct dnsbl_zone zones[DNSBL_ZONES_MAX];
	size_t n_zones;
};

struct guard {
	struct store *store;
	const struct dns_source *dns;
	uint8_t key[16];                     /* of all hashes; the same after a restart */
	struct ledger *greylist, *users;     /* durable */
	struct ledger *networks;             /* rates of networks and sender domains */
	pthread_mutex_t lock;                /* a leaf; guards the two below */
	struct snapshot *newest;
	struct map *crowd;                   /* network -> connections at once, as uintptr_t */
	int64_t swept;
	_Atomic uint64_t greylisted, listed, rated, probed, crowded;
};

struct guard_visit {
	struct guard *guard;
	struct snapshot *snapshot;
	struct net_addr peer, network;
	bool exempt, counted, asked;         /* in the crowd; the block lists were asked */
	int points, helo_points;
	char listed[GUARD_TEXT_MAX];         /* by whom, and what it says */
	const char *helo_why;
	uint64_t delay_ms;                   /* for each answer from now on */
};

/* What is counted: the first octet of what is hashed. */
enum guard_key {
	KEY_TRIPLET = 't', KEY_NETWORK = 'n', KEY_CONNECTION = 'c', KEY_MESSAGE = 'm', KEY_RECIPIENT = 'r', KEY_UNKNOWN = 'u', KEY_KNOWN = 'k',
	KEY_DOMAIN = 'd', KEY_USER_MESSAGE_HOUR = 'A', KEY_USER_MESSAGE_DAY = 'B', KEY_USER_RECIPIENT_HOUR = 'C', KEY_USER_RECIPIENT_DAY = 'D',
};
/* Never 0. */
uint64_t guard_hash(const struct guard *g, enum guard_key k, struct str a, struct str b, struct str c);
uint64_t guard_hash_network(const struct guard *g, enum guard_key k, const struct net_addr *network);

void guard_refuse(struct guard_verdict *out, unsigned code, const char *enhanced, const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
