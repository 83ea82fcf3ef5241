/* The keys of a shard's scope; see doc/format/queue.md. Numbers are big-endian, so that the order of keys is theirs. Any thread. */
#ifndef QUEUE_KEYS_H
#define QUEUE_KEYS_H

#include "base/str.h"
#include "queue/limits.h"

#include <stdbool.h>
#include <stdint.h>

enum key_kind {
	KEY_DESTINATION = 'd', KEY_HELD = 'h', KEY_MESSAGE = 'm', KEY_QUEUE = 'q', KEY_SHARD = 's', KEY_TIME = 't', KEY_UNTAG = 'u', KEY_ASIDE = 'z',
};
struct key {
	size_t n;
	char p[1 + QUEUE_DESTINATION_MAX + 20];
};
static inline struct str key_str(const struct key *k) { return str_make(k->p, k->n); }

/* Notices wait under a destination of their own. No message has so many groups. */
#define GROUP_NOTICE 0xffffu

/* Higher priorities first: band 0 is priority 9, band 18 is -9. */
#define BANDS 19u
static inline uint8_t band_of_priority(int priority) { return (uint8_t)(priority > 9 ? 0 : priority < -9 ? 18 : 9 - priority); }

struct key queue_key_first(enum key_kind kind);             /* before all keys of the kind */
struct key queue_key_after(enum key_kind kind);             /* after them */
struct key key_number(enum key_kind kind, uint64_t v);                        /* HELD id, UNTAG blob, MESSAGE id: the envelope */
struct key key_group(uint64_t id, unsigned group);                            /* behind the message's envelope */
struct key key_message_end(uint64_t id);              /* after its groups */
struct key key_time(int64_t when, uint64_t id);
struct key key_destination(struct str destination);
struct queue_key {
	struct str destination;                           /* in the key's bytes when parsed */
	uint8_t band;
	int64_t due;
	uint64_t id;
	unsigned group;
};
struct key key_queue(const struct queue_key *k);
struct key key_queue_band(struct str destination, unsigned band);             /* before all of it; BANDS: after the destination */

bool key_read_number(struct str key, uint64_t *v_out);                        /* the 8 octets behind the kind */
/* An envelope's key: *group_out is GROUP_NOTICE. */
bool key_read_message(struct str key, uint64_t *id_out, unsigned *group_out);
bool key_read_time(struct str key, int64_t *when_out, uint64_t *id_out);
bool key_read_queue(struct str key, struct queue_key *out);

#endif
