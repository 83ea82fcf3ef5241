#include "model/annotation_record.h"

#include "base/bytes.h"

#define FLAG_GONE 1u
#define FIXED_BYTES 18u                           /* header, modseq, length of the name */
#define SLOT_BYTES 4u

int annotation_record_decode(struct str value, struct annotation_record *out)
{
	int rc = record_check(value, FIXED_BYTES);
	if (rc)
		return rc;
	struct cursor c = cursor_make(str_from(value, RECORD_HEADER));
	out->gone = record_own0(value) & FLAG_GONE;
	out->modseq = cursor_le64(&c);
	size_t n = cursor_u8(&c);
	n |= (size_t)cursor_u8(&c) << 8;
	out->name = cursor_bytes(&c, n);
	out->value = cursor_bytes(&c, cursor_left(&c));
	return c.bad || n == 0 || n > ANNOTATION_NAME_MAX || out->value.n > ANNOTATION_VALUE_MAX || (out->gone && out->value.n) ? ERR_CORRUPT : 0;
}

static int save(struct store_write *w, const struct key *key, const struct annotation *a, uint64_t modseq)
{
	size_t n = FIXED_BYTES + a->name.n + a->value.n;
	char *p = malloc(n);
	if (!p)
		return ERR_NO_MEMORY;
	store_le64(p + RECORD_HEADER, modseq);
	p[16] = (char)a->name.n;
	p[17] = (char)(a->name.n >> 8);
	memcpy(p + FIXED_BYTES, a->name.p, a->name.n);
	if (a->value.n)
		memcpy(p + FIXED_BYTES + a->name.n, a->value.p, a->value.n);
	record_seal(p, n, a->value.p ? 0 : FLAG_GONE, 0);
	int rc = store_put(w, key_str(key), str_make(p, n));
	free(p);
	return rc;
}

/* ---- walking a set ---- */

static struct key slot_key(const struct key *prefix, uint32_t slot)
{
	struct key k = *prefix;
	store_be32(k.p + k.n, slot);
	k.n += SLOT_BYTES;
	return k;
}

static uint32_t slot_of(const struct key *key) { return load_be32(key->p + key->n - SLOT_BYTES); }

/* The pair in or behind *at and under the prefix; *at becomes its key. */
static int next_pair(struct source s, struct str prefix, struct key *at, struct str *value_out)
{
	struct str key;
	int rc = source_find(s, key_str(at), STR_NONE, false, &key, value_out);
	if (rc <= 0 || !str_starts(key, prefix))
		return rc < 0 ? rc : 0;
	if (key.n + 2 > sizeof(at->p))
		return ERR_CORRUPT;
	memcpy(at->p, key.p, key.n);
	at->n = key.n;
	return 1;
}

int annotation_next(struct source s, const struct key *prefix, struct key *at, struct annotation_record *out)
{
	struct str value;
	int rc = next_pair(s, key_str(prefix), at, &value);
	if (rc <= 0)
		return rc;
	if (at->n != prefix->n + SLOT_BYTES)
		return ERR_CORRUPT;
	rc = annotation_record_decode(value, out);
	return rc ? rc : 1;
}

/* ---- setting one ---- */

struct slots {
	bool found, found_gone;
	uint32_t found_slot;
	size_t found_bytes;                           /* of name and value; 0 when it is gone */
	uint32_t live, gone, free_slot;               /* free_slot: the least that is not used */
	uint32_t oldest_slot;                         /* of those that are gone */
	uint64_t oldest;
};

static int look(struct store_write *w, const struct key *prefix, struct str name, struct slots *out)
{
	*out = (struct slots){ .oldest = UINT64_MAX };
	struct annotation_record record;
	struct key at = *prefix;
	int rc;
	while ((rc = annotation_next(source_write(w), prefix, &at, &record)) == 1) {
		uint32_t slot = slot_of(&at);
		out->free_slot += slot == out->free_slot;
		out->live += !record.gone;
		out->gone += record.gone;
		if (record.gone && record.modseq < out->oldest) {
			out->oldest = record.modseq;
			out->oldest_slot = slot;
		}
		if (str_ieq(record.name, name)) {
			out->found = true;
			out->found_gone = record.gone;
			out->found_slot = slot;
			out->found_bytes = record.gone ? 0 : record.name.n + record.value.n;
		}
		at = key_next(&at);
	}
	return rc;
}

static int forget(struct store_write *w, const struct key *prefix, uint32_t slot)
{
	struct key key = slot_key(prefix, slot);
	return store_del(w, key_str(&key));
}

int annotation_put(struct store_write *w, const struct key *prefix, const struct annotation *a, uint64_t modseq, uint64_t *bytes, uint64_t bytes_max)
{
	struct slots slots;
	int rc = look(w, prefix, a->name, &slots);
	bool live = slots.found && !slots.found_gone;
	if (rc || (!a->value.p && !live))
		return rc;
	uint64_t after = *bytes - slots.found_bytes + (a->value.p ? a->name.n + a->value.n : 0);
	if (a->value.p && ((!live && slots.live >= ANNOTATIONS_MAX) || after > bytes_max))
		return ERR_QUOTA;
	if (!a->value.p && slots.gone >= ANNOTATION_GONE_MAX)
		rc = forget(w, prefix, slots.oldest_slot);
	*bytes = after;
	struct key key = slot_key(prefix, slots.found ? slots.found_slot : slots.free_slot);
	return rc ? rc : save(w, &key, a, modseq);
}

/* ---- all of a mailbox ---- */

int annotation_remove_mailbox(struct change *c, uint32_t mailbox)
{
	struct key prefix = key_annotations_of(mailbox), at = prefix, after = prefix;
	struct str value;
	int rc;
	while ((rc = next_pair(change_source(c), key_str(&prefix), &at, &value)) == 1) {
		struct annotation_record record;
		if (annotation_record_decode(value, &record) == 0 && !record.gone)
			c->state.annotation_bytes -= record.name.n + record.value.n;
		after = at = key_next(&at);
	}
	return rc || after.n == prefix.n ? rc : store_del_range(c->w, key_str(&prefix), key_str(&after), NULL);
}

/* The pair at that key, under the number of another mailbox. */
static int copy_pair(struct change *c, const struct key *at, struct str value, uint32_t to)
{
	/* put wants bytes that are not the store's */
	char *copy = malloc(value.n + 1);
	if (!copy)
		return ERR_NO_MEMORY;
	memcpy(copy, value.p, value.n);
	struct key target = *at;
	store_be32(target.p + 1, to);
	int rc = store_put(c->w, key_str(&target), str_make(copy, value.n));
	free(copy);
	return rc;
}

int annotation_move_mailbox(struct change *c, uint32_t from, uint32_t to)
{
	struct key prefix = key_annotations_of(from), at = prefix;
	struct str value;
	int rc;
	while ((rc = next_pair(change_source(c), key_str(&prefix), &at, &value)) == 1) {
		struct annotation_record record;
		if (annotation_record_decode(value, &record) == 0) {
			rc = record.gone ? 0 : copy_pair(c, &at, value, to);
			if (!rc)
				rc = store_del(c->w, key_str(&at));
		} else {
			rc = 0;
		}
		if (rc)
			return rc;
		at = key_next(&at);
	}
	return rc;
}

int annotation_copy_mailbox(struct change *c, uint32_t from, uint32_t to)
{
	struct key prefix = key_annotations_of(from), at = prefix;
	struct str value;
	int rc;
	while ((rc = next_pair(change_source(c), key_str(&prefix), &at, &value)) == 1) {
		struct annotation_record record;
		rc = annotation_record_decode(value, &record);
		if (rc)
			return rc;
		if (record.gone) {
			at = key_next(&at);
			continue;
		}
		uint64_t bytes = record.name.n + record.value.n;
		if (c->state.annotation_bytes > ANNOTATION_BYTES_MAX - bytes)
			return ERR_QUOTA;
		rc = copy_pair(c, &at, value, to);
		if (rc)
			return rc;
		c->state.annotation_bytes += bytes;
		at = key_next(&at);
	}
	return rc;
}

int annotation_count_bytes(struct source s, uint64_t *out, struct key *bad_out)
{
	struct key prefix = key_first(KEY_ANNOTATION), at = prefix;
	struct str value;
	int rc;
	*out = 0;
	while ((rc = next_pair(s, key_str(&prefix), &at, &value)) == 1) {
		struct annotation_record record;
		rc = annotation_record_decode(value, &record);
		if (rc == ERR_CORRUPT && bad_out)
			*bad_out = at;
		if (rc)
			return rc;
		*out += record.gone ? 0 : record.name.n + record.value.n;
		at = key_next(&at);
	}
	return rc;
}
