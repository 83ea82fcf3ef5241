#include "directory/brake.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "directory/limits.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>

/* Failures are counted for the running window and the one before it; the sum, the older weighted by how much of it
 * still lies within one window's length, is the sliding count. */
struct slot {
	uint64_t key;                       /* 0: free */
	uint64_t window;                    /* number of the running one */
	uint32_t count;
	uint32_t count_before;
	uint64_t guesses[BRAKE_GUESSES];    /* newest first */
	uint64_t admitted_ms;               /* when somebody was last let through over the limit */
};

struct brake {
	pthread_mutex_t lock;               /* innermost: nothing is taken under it */
	unsigned limit;
	uint64_t window_ms;
	struct slot *slots;                 /* BRAKE_SLOTS, in buckets of BRAKE_WAYS */
};

int brake_create(unsigned limit, uint64_t window_ms, struct brake **out)
{
	struct brake *b = calloc(1, sizeof(*b));
	*out = NULL;
	if (!b || !(b->slots = calloc(BRAKE_SLOTS, sizeof(*b->slots)))) {
		free(b);
		return ERR_NO_MEMORY;
	}
	b->limit = limit;
	b->window_ms = window_ms;
	pthread_mutex_init(&b->lock, NULL);
	*out = b;
	return 0;
}

void brake_destroy(struct brake **b)
{
	if (!*b)
		return;
	pthread_mutex_destroy(&(*b)->lock);
	free((*b)->slots);
	free(*b);
	*b = NULL;
}

/* Who can easily have many addresses has them in one /64. */
uint64_t brake_network(struct str ip)
{
	static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };      /* RFC 4291 2.5.5.2 */
	char text[INET6_ADDRSTRLEN];
	uint8_t v6[16];
	if (!str_copy_c(text, sizeof(text), ip))
		return 0;
	/* IPv4 addresses take a place under ff00::/8, multicast, where no peer is. */
	if (inet_pton(AF_INET, text, v6) == 1)
		return (uint64_t)0xff << 56 | load_be32(v6);
	if (inet_pton(AF_INET6, text, v6) != 1)
		return 0;
	if (memcmp(v6, v4_mapped, sizeof(v4_mapped)) == 0)
		return (uint64_t)0xff << 56 | load_be32(v6 + 12);
	uint64_t network = load_be64(v6);
	return network ? network : 1;       /* ::/64, where ::1 is */
}

static struct slot *bucket_of(const struct brake *b, uint64_t key)
{
	size_t buckets = BRAKE_SLOTS / BRAKE_WAYS;
	return &b->slots[hash_siphash(str_make(&key, sizeof(key))) % buckets * BRAKE_WAYS];
}

/* The key's slot brought up to now, or NULL. The lock is held. */
static struct slot *find(struct brake *b, uint64_t key, uint64_t now_ms)
{
	struct slot *bucket = bucket_of(b, key);
	uint64_t window = now_ms / b->window_ms;
	for (size_t i = 0; i < BRAKE_WAYS; i++) {
		struct slot *s = &bucket[i];
		if (s->key != key)
			continue;
		if (s->window != window) {
			s->count_before = s->window + 1 == window ? s->count : 0;
			s->count = 0;
			s->window = window;
		}
		if (s->count == 0 && s->count_before == 0)
			memset(s->guesses, 0, sizeof(s->guesses));
		return s;
	}
	return NULL;
}

static bool is_over(const struct brake *b, const struct slot *s, uint64_t now_ms)
{
	uint64_t left_ms = b->window_ms - now_ms % b->window_ms;
	return s->count + (double)s->count_before * (double)left_ms / (double)b->window_ms >= b->limit;
}

bool brake_blocks(struct brake *b, struct str ip, uint64_t now_ms)
{
	uint64_t network = brake_network(ip);
	if (!network)
		return false;
	pthread_mutex_lock(&b->lock);
	const struct slot *s = find(b, network, now_ms);
	bool blocks = s && is_over(b, s, now_ms);
	pthread_mutex_unlock(&b->lock);
	return blocks;
}

static bool is_due(const struct slot *s, uint64_t every_ms, uint64_t now_ms) { return now_ms - s->admitted_ms >= every_ms; }

bool brake_admits(struct brake *b, uint64_t key, uint64_t every_ms, uint64_t now_ms)
{
	pthread_mutex_lock(&b->lock);
	const struct slot *s = find(b, key, now_ms);
	bool admits = !s || !is_over(b, s, now_ms) || is_due(s, every_ms, now_ms);
	pthread_mutex_unlock(&b->lock);
	return admits;
}

static bool has_guess(const struct slot *s, uint64_t guess)
{
	bool has = false;
	for (size_t i = 0; s && guess && i < BRAKE_GUESSES; i++)
		has |= s->guesses[i] == guess;
	return has;
}

bool brake_knows_guess(struct brake *b, struct str ip, uint64_t guess, uint64_t now_ms)
{
	uint64_t network = brake_network(ip);
	if (!network)
		return false;
	pthread_mutex_lock(&b->lock);
	bool knows = has_guess(find(b, network, now_ms), guess);
	pthread_mutex_unlock(&b->lock);
	return knows;
}

/* A place in the bucket: a free one, or the one that failed longest ago, then least often. The lock is held. */
static struct slot *make_room(struct brake *b, uint64_t key)
{
	struct slot *bucket = bucket_of(b, key), *to = &bucket[0];
	for (size_t i = 1; i < BRAKE_WAYS; i++) {
		const struct slot *s = &bucket[i];
		if (s->window < to->window || (s->window == to->window && s->count < to->count))
			to = &bucket[i];
	}
	*to = (struct slot){ .key = key };
	return to;
}

/* The lock is held. */
static struct slot *count(struct brake *b, uint64_t key, uint64_t now_ms)
{
	struct slot *s = find(b, key, now_ms);
	if (!s) {
		s = make_room(b, key);
		s->window = now_ms / b->window_ms;
	}
	if (s->count < UINT32_MAX)
		s->count++;
	return s;
}

void brake_count(struct brake *b, uint64_t key, uint64_t now_ms)
{
	pthread_mutex_lock(&b->lock);
	count(b, key, now_ms);
	pthread_mutex_unlock(&b->lock);
}

bool brake_tells_of(struct brake *b, uint64_t key, bool wrong, uint64_t every_ms, uint64_t now_ms)
{
	pthread_mutex_lock(&b->lock);
	struct slot *s = find(b, key, now_ms);
	bool over = s && is_over(b, s, now_ms), tells = !over || is_due(s, every_ms, now_ms);
	if (over && tells)
		s->admitted_ms = now_ms;
	if (wrong && tells)
		count(b, key, now_ms);
	pthread_mutex_unlock(&b->lock);
	return tells;
}

bool brake_tells(struct brake *b, struct str ip, bool wrong, uint64_t guess, uint64_t now_ms)
{
	uint64_t network = brake_network(ip);
	if (!network)
		return true;
	pthread_mutex_lock(&b->lock);
	struct slot *s = find(b, network, now_ms);
	bool tells = !s || !is_over(b, s, now_ms);
	if (wrong && tells && !has_guess(s, guess)) {
		s = count(b, network, now_ms);
		if (guess) {
			memmove(&s->guesses[1], &s->guesses[0], sizeof(s->guesses) - sizeof(s->guesses[0]));
			s->guesses[0] = guess;
		}
	}
	pthread_mutex_unlock(&b->lock);
	return tells;
}
