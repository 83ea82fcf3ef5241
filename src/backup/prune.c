#include "backup/repository.h"

#include "backup/repository_priv.h"

#include <stdlib.h>

/* What is moved is durable in its new pack before the old one is removed, and snapshots go before the chunks that only they need: a run that is
 * killed leaves chunks twice, or unneeded ones; the next run finds them. */
struct prune {
	struct repository *r;
	uint8_t *needed;                              /* a bit for each entry of the index */
	uint32_t n_needed;
	uint32_t *moved;                              /* packs whose chunks are in the pack being written, or in one written since the last removal */
	uint32_t n_moved;
	uint64_t moved_bytes;
};

/* Of one pack. */
struct share {
	uint64_t all, needed;                         /* bytes of its records */
};

#define SMALL_PACKS_MIN 8                         /* so many small packs are made into one */
#define MOVED_BYTES (2 * PACK_TARGET)             /* then old packs are removed, so that pruning needs little room */

/* ---- what is needed ---- */

static int need(void *ctx, const struct chunk_id *id)
{
	struct prune *p = ctx;
	uint32_t i = chunk_index_find(&p->r->index, id);
	if (i < p->n_needed)
		p->needed[i / 8] |= (uint8_t)(1u << (i % 8));
	return 0;
}

static bool is_needed(const struct prune *p, uint32_t pack, const struct trailer_entry *e)
{
	uint32_t i = chunk_index_find(&p->r->index, &e->id);
	if (i >= p->n_needed || !(p->needed[i / 8] >> (i % 8) & 1))
		return false;
	const struct chunk_entry *known = chunk_index_at(&p->r->index, i);
	return known->pack == pack && known->offset == e->offset;
}

static int mark(struct prune *p, const struct snapshot_list *kept, repository_walk_fn *walk, void *walk_arg)
{
	p->n_needed = p->r->index.n;
	p->needed = calloc(p->n_needed / 8 + 1, 1);
	int e = p->needed ? 0 : ERR_NO_MEMORY;
	for (size_t i = 0; i < kept->n && e == 0; i++) {
		struct buf b = BUF_INIT(CHUNK_MAX);
		e = sealed_file_get(p->r, FILE_SNAPSHOT, kept->ids[i], &b);
		if (e == 0)
			e = walk(walk_arg, buf_str(&b), need, p);
		buf_fini(&b);
	}
	return e;
}

/* Takes those to be forgotten off the list and removes them when all others could be read: otherwise nobody knows what is needed. */
static int forget(struct prune *p, bool (*keep)(void *arg, const char *id), void *keep_arg, repository_walk_fn *walk, void *walk_arg)
{
	struct snapshot_list all;
	int e = snapshot_list_load(p->r, &all);
	if (e)
		return e;
	bool *drop = calloc(all.n + 1, sizeof(*drop));
	struct snapshot_list kept = { calloc(all.n + 1, sizeof(*kept.ids)), 0, 0 };
	e = drop && kept.ids ? 0 : ERR_NO_MEMORY;
	for (size_t i = 0; i < all.n && e == 0; i++) {
		drop[i] = keep && !keep(keep_arg, all.ids[i]);
		if (!drop[i])
			memcpy(kept.ids[kept.n++], all.ids[i], sizeof(all.ids[i]));
	}
	if (e == 0)
		e = mark(p, &kept, walk, walk_arg);
	for (size_t i = 0; i < all.n && e == 0; i++)
		if (drop[i])
			e = file_remove(p->r->dir_fd, SNAPSHOT_FOLDER, all.ids[i]);
	if (e == 0 && kept.n < all.n)
		e = folder_sync(p->r->dir_fd, SNAPSHOT_FOLDER);
	free(drop);
	snapshot_list_fini(&kept);
	snapshot_list_fini(&all);
	return e;
}

/* ---- packs ---- */

static int remove_pack(struct repository *r, uint32_t pack)
{
	char name[17];
	pack_file_close(r, pack);
	pack_name_format(r->packs[pack].name, name);
	int e = file_remove(r->dir_fd, PACK_FOLDER, name);
	if (e == 0)
		pack_gone(r, pack);
	return e;
}

/* Its trailer's entries into b, and how much of it is needed. ERR_CORRUPT: leave it alone. */
static int weigh(struct prune *p, uint32_t pack, struct buf *b, struct share *out)
{
	struct pack_file *f;
	uint64_t end;
	*out = (struct share){ 0 };
	buf_reset(b);
	int e = pack_file_open(p->r, pack, &f);
	if (e == 0)
		e = pack_read_trailer(p->r, f, b, &end);
	for (size_t i = 0; i < b->n && e == 0; i += TRAILER_ENTRY_SIZE) {
		struct trailer_entry entry = trailer_entry_decode(b->p + i);
		uint64_t size = RECORD_HEAD_SIZE + (uint64_t)entry.stored;
		out->all += size;
		out->needed += is_needed(p, pack, &entry) ? size : 0;
	}
	return e == ERR_IO || e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

static int remove_moved(struct prune *p)
{
	int e = p->n_moved ? pack_write_flush(p->r) : 0;
	for (uint32_t i = 0; i < p->n_moved && e == 0; i++)
		e = remove_pack(p->r, p->moved[i]);
	p->n_moved = 0;
	p->moved_bytes = 0;
	return e;
}

static int move_chunks(struct prune *p, uint32_t pack, struct buf *entries)
{
	struct buf raw = BUF_INIT(CHUNK_MAX);
	int e = 0;
	for (size_t i = 0; i < entries->n && e == 0; i += TRAILER_ENTRY_SIZE) {
		struct trailer_entry entry = trailer_entry_decode(entries->p + i);
		if (!is_needed(p, pack, &entry))
			continue;
		buf_reset(&raw);
		e = pack_read_chunk(p->r, pack, entry.offset, &entry.id, &raw);
		if (e == 0)
			e = pack_write_chunk(p->r, &entry.id, buf_str(&raw));
	}
	buf_fini(&raw);
	if (e == 0) {
		p->moved[p->n_moved++] = pack;
		p->moved_bytes += p->r->packs[pack].size;
	}
	if (p->r->failed || (e && e != ERR_CORRUPT && e != ERR_IO))
		return p->r->failed ? p->r->failed : e;
	return p->moved_bytes >= MOVED_BYTES ? remove_moved(p) : 0;      /* a pack of which a chunk cannot be read stays */
}

static bool is_small(const struct share *s) { return s->all < PACK_TARGET / 4; }

static bool is_wasteful(const struct share *s) { return (s->all - s->needed) * 100 > s->all * PRUNE_REWRITE_PERCENT; }

/* One pass over the packs that were there: the first removes those of which nothing is needed, which makes room; the second moves chunks. */
static int pass(struct prune *p, uint32_t n_packs, bool moving, uint32_t *small)
{
	struct buf b = BUF_INIT(CHUNK_MAX);
	struct share s;
	int e = 0;
	bool merge = moving && *small >= SMALL_PACKS_MIN;
	for (uint32_t i = 0; i < n_packs && e == 0; i++) {
		if (p->r->packs[i].gone || p->r->packs[i].damaged)
			continue;
		e = weigh(p, i, &b, &s);
		if (e == ERR_CORRUPT)
			e = 0;
		else if (e == 0 && s.needed == 0 && !moving)
			e = remove_pack(p->r, i);
		else if (e == 0 && !moving)
			*small += is_small(&s);
		else if (e == 0 && (is_wasteful(&s) || (merge && is_small(&s))))
			e = move_chunks(p, i, &b);
	}
	buf_fini(&b);
	return e;
}

static uint64_t bytes_of(const struct repository *r)
{
	uint64_t n = 0;
	for (uint32_t i = 0; i < r->n_packs; i++)
		n += r->packs[i].gone ? 0 : r->packs[i].size;
	return n;
}

int repository_prune(struct repository *r, bool (*keep)(void *arg, const char *id), void *keep_arg, repository_walk_fn *walk, void *walk_arg,
					 uint64_t *freed_out)
{
	struct prune p = { .r = r };
	uint32_t small = 0;
	*freed_out = 0;
	int e = walk ? repository_flush(r) : ERR_INVALID;
	uint32_t n = r->n_packs;
	uint64_t before = bytes_of(r);
	if (e == 0)
		e = forget(&p, keep, keep_arg, walk, walk_arg);
	if (e == 0 && !(p.moved = calloc(n + 1, sizeof(*p.moved))))
		e = ERR_NO_MEMORY;
	if (e == 0)
		e = pass(&p, n, false, &small);
	if (e == 0)
		e = pass(&p, n, true, &small);
	if (e == 0)
		e = remove_moved(&p);
	if (e == 0)
		e = folder_sync(r->dir_fd, PACK_FOLDER);
	uint64_t after = bytes_of(r);
	*freed_out = before > after ? before - after : 0;
	free(p.needed);
	free(p.moved);
	return e;
}
