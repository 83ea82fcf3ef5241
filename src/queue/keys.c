#include "queue/keys.h"

#include "base/bytes.h"

#define QUEUE_TAIL 20u                                /* NUL, band, due, id, group */

static void add(struct key *k, const void *p, size_t n)
{
	memcpy(k->p + k->n, p, n);
	k->n += n;
}

static void add_u64(struct key *k, uint64_t v)
{
	store_be64(k->p + k->n, v);
	k->n += 8;
}

static void add_u16(struct key *k, unsigned v)
{
	k->p[k->n++] = (char)(v >> 8);
	k->p[k->n++] = (char)v;
}

static unsigned load_be16(const char *p) { return (unsigned)(uint8_t)p[0] << 8 | (uint8_t)p[1]; }

struct key queue_key_first(enum key_kind kind) { return (struct key){ .n = 1, .p = { (char)kind } }; }

struct key queue_key_after(enum key_kind kind) { return (struct key){ .n = 1, .p = { (char)(kind + 1) } }; }

struct key key_number(enum key_kind kind, uint64_t v)
{
	struct key k = queue_key_first(kind);
	add_u64(&k, v);
	return k;
}

struct key key_group(uint64_t id, unsigned group)
{
	struct key k = key_number(KEY_MESSAGE, id);
	add_u16(&k, group);
	return k;
}

struct key key_message_end(uint64_t id) { return key_number(KEY_MESSAGE, id + 1); }

struct key key_time(int64_t when, uint64_t id)
{
	struct key k = key_number(KEY_TIME, (uint64_t)when);
	add_u64(&k, id);
	return k;
}

struct key key_destination(struct str destination)
{
	struct key k = queue_key_first(KEY_DESTINATION);
	add(&k, destination.p, destination.n);
	return k;
}

struct key key_queue_band(struct str destination, unsigned band)
{
	struct key k = queue_key_first(KEY_QUEUE);
	add(&k, destination.p, destination.n);
	if (band >= BANDS) {
		k.p[k.n++] = 1;
	} else {
		k.p[k.n++] = 0;
		k.p[k.n++] = (char)band;
	}
	return k;
}

struct key key_queue(const struct queue_key *q)
{
	struct key k = key_queue_band(q->destination, q->band);
	add_u64(&k, (uint64_t)q->due);
	add_u64(&k, q->id);
	add_u16(&k, q->group);
	return k;
}

bool key_read_number(struct str key, uint64_t *v_out)
{
	if (key.n != 9)
		return false;
	*v_out = load_be64(key.p + 1);
	return true;
}

bool key_read_message(struct str key, uint64_t *id_out, unsigned *group_out)
{
	if (key.n != 9 && key.n != 11)
		return false;
	*id_out = load_be64(key.p + 1);
	*group_out = key.n == 11 ? load_be16(key.p + 9) : GROUP_NOTICE;
	return key.n == 9 || *group_out != GROUP_NOTICE;
}

bool key_read_time(struct str key, int64_t *when_out, uint64_t *id_out)
{
	if (key.n != 17)
		return false;
	*when_out = (int64_t)load_be64(key.p + 1);
	*id_out = load_be64(key.p + 9);
	return true;
}

bool key_read_queue(struct str key, struct queue_key *out)
{
	if (key.n < 1 + 1 + QUEUE_TAIL || key.n > sizeof(((struct key *)NULL)->p))
		return false;
	const char *tail = key.p + key.n - QUEUE_TAIL;
	*out = (struct queue_key){ .destination = str_make(key.p + 1, key.n - 1 - QUEUE_TAIL), .band = (uint8_t)tail[1],
							   .due = (int64_t)load_be64(tail + 2), .id = load_be64(tail + 10), .group = load_be16(tail + 18) };
	return tail[0] == 0 && out->band < BANDS && str_chr(out->destination, 0) == STR_NPOS;
}
