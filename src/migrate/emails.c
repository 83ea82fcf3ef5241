#include "migrate/pass.h"

#include "base/bytes.h"
#include "base/hash.h"

struct key {
	char b[8];
};

static struct str key_of(uint64_t email, struct key *k)
{
	store_le64(k->b, email);
	return str_make(k->b, sizeof k->b);
}

/* The key is fixed: hashes lie in the state file. */
uint64_t emails_hash(struct str id)
{
	static const uint8_t key[HASH_SIPHASH_KEY] = "emails of import";
	uint64_t h = hash_siphash_keyed(key, id);
	return h ? h : 1;
}

int emails_put(struct run *run, uint64_t email, const struct state_folder *f, uint32_t ours)
{
	struct key k;
	if (!email || !ours)
		return 0;
	return map_put(run->emails, key_of(email, &k), (void *)(uintptr_t)(((uint64_t)f->index + 1) << 32 | ours));
}

bool emails_get(const struct run *run, uint64_t email, struct state_folder **f_out, uint32_t *ours_out)
{
	struct key k;
	uint64_t place = email ? (uintptr_t)map_get(run->emails, key_of(email, &k)) : 0;
	if (!place)
		return false;
	*f_out = state_at(run->state, (size_t)(place >> 32) - 1);
	*ours_out = (uint32_t)place;
	return true;
}

void emails_drop(struct run *run, uint64_t email, const struct state_folder *f, uint32_t ours)
{
	struct key k;
	struct state_folder *there;
	uint32_t uid;
	if (emails_get(run, email, &there, &uid) && there == f && uid == ours)
		map_remove(run->emails, key_of(email, &k));
}

int emails_load(struct run *run)
{
	int r = map_create(&run->emails);
	for (size_t i = 0; r == 0 && i < state_count(run->state); i++) {
		const struct state_folder *f = state_at(run->state, i);
		for (size_t k = 0; r == 0 && k < f->n; k++)
			r = emails_put(run, f->v[k].email, f, f->v[k].ours);
	}
	return r;
}
