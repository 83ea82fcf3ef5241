#include "backup/repository.h"

#include "backup/repository_priv.h"

#include <stdlib.h>

struct verify {
	struct repository *r;
	repository_report_fn *fn;
	void *arg;
	uint64_t faults;
	uint8_t *good;                                /* a bit for each entry of the index: the chunk was read somewhere, and is what it says */
	uint32_t n_good;                              /* entries for which there is a bit */
	/* of the pack in hand */
	uint32_t pack;
	char name[17];
	struct buf trailer;
	bool has_trailer;
	size_t seen;                                  /* bytes of the trailer's entries that the records agreed with */
	/* of the snapshot in hand */
	uint64_t missing;
	struct chunk_id first_missing;
};

__attribute__((format(printf, 2, 3))) static void fault(struct verify *v, const char *format, ...)
{
	char line[256];
	va_list ap;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	v->faults++;
	if (v->fn)
		v->fn(v->arg, line);
}

static void id_format(const struct chunk_id *id, char out[2 * CHUNK_ID_SIZE + 1])
{
	for (size_t i = 0; i < CHUNK_ID_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02x", id->b[i]);
}

/* ---- packs ---- */

static int good_grow(struct verify *v)
{
	uint32_t n = v->r->index.n;
	uint8_t *good = realloc(v->good, n / 8 + 1);
	if (!good)
		return ERR_NO_MEMORY;
	size_t had = v->good ? v->n_good / 8 + 1 : 0;
	memset(good + had, 0, n / 8 + 1 - had);
	v->good = good;
	v->n_good = n;
	return 0;
}

/* It may be known at another place too; a copy that is damaged is a fault anyway. */
static void chunk_seen(struct verify *v, const struct scan_item *item)
{
	uint32_t i = chunk_index_find(&v->r->index, &item->id);
	if (i < v->n_good)
		v->good[i / 8] |= (uint8_t)(1u << (i % 8));
}

static void trailer_agrees(struct verify *v, const struct scan_item *item)
{
	if (!v->has_trailer || v->seen >= v->trailer.n)
		return;
	struct trailer_entry e = trailer_entry_decode(v->trailer.p + v->seen);
	if (e.offset == item->offset && memcmp(e.id.b, item->id.b, CHUNK_ID_SIZE) == 0 && RECORD_HEAD_SIZE + (uint64_t)e.stored == item->size)
		v->seen += TRAILER_ENTRY_SIZE;
}

static int pack_item(void *arg, const struct scan_item *item)
{
	struct verify *v = arg;
	char id[2 * CHUNK_ID_SIZE + 1];
	switch (item->event) {
	case SCAN_CHUNK:
		chunk_seen(v, item);
		trailer_agrees(v, item);
		break;
	case SCAN_BAD_CHUNK:
		id_format(&item->id, id);
		fault(v, "pack %s: chunk %s at %llu is damaged", v->name, id, (unsigned long long)item->offset);
		trailer_agrees(v, item);
		break;
	case SCAN_DAMAGE:
		fault(v, "pack %s: %llu bytes at %llu are damaged", v->name, (unsigned long long)item->size, (unsigned long long)item->offset);
		break;
	case SCAN_TRAILER:
		break;
	}
	return 0;
}

static int check_heads(struct verify *v, const struct pack_file *f)
{
	uint8_t first[FILE_HEAD_SIZE], last[FILE_HEAD_SIZE];
	int e = f->size < FILE_HEAD_SIZE + PACK_END_SIZE ? ERR_CORRUPT : file_read_at(f->fd, first, sizeof(first), 0);
	if (e == 0)
		e = file_read_at(f->fd, last, sizeof(last), f->size - FILE_HEAD_SIZE);
	if (e == 0 && (f->head_damaged || memcmp(first, last, sizeof(first)) != 0))
		e = ERR_CORRUPT;
	if (e)
		fault(v, "pack %s: one of its two heads is damaged (%s)", v->name, err_text(e));
	return 0;
}

static int check_pack(struct verify *v)
{
	struct repository *r = v->r;
	struct pack_file *f;
	uint64_t end;
	int e = pack_file_open(r, v->pack, &f);
	if (e)
		return e;
	check_heads(v, f);
	e = pack_read_trailer(r, f, &v->trailer, &end);
	v->has_trailer = e == 0;
	if (e == ERR_CORRUPT)
		fault(v, "pack %s: the trailer is damaged", v->name);
	else if (e)
		return e;
	e = pack_scan(r, v->pack, pack_item, v);
	if (e == 0 && v->has_trailer && v->seen != v->trailer.n)
		fault(v, "pack %s: the trailer names chunks that are not there", v->name);
	return e;
}

/* Also those that appear meanwhile, because another process moves chunks. */
static int check_packs(struct verify *v)
{
	struct repository *r = v->r;
	int e = 0;
	for (v->pack = 0; v->pack < r->n_packs && e == 0; v->pack++) {
		if (r->packs[v->pack].gone)
			continue;
		pack_name_format(r->packs[v->pack].name, v->name);
		buf_reset(&v->trailer);
		v->seen = 0;
		uint64_t before = v->faults;
		e = good_grow(v);
		if (e == 0)
			e = check_pack(v);
		r->packs[v->pack].damaged = r->packs[v->pack].damaged || v->faults > before;
		if (e == ERR_NOT_FOUND) {
			pack_gone(r, v->pack);
			e = packs_load(r);
		} else if (e && e != ERR_NO_MEMORY) {
			fault(v, "pack %s: cannot be read (%s)", v->name, err_text(e));
			e = 0;
		}
	}
	return e ? e : good_grow(v);
}

/* ---- snapshots and notes ---- */

static int need(void *ctx, const struct chunk_id *id)
{
	struct verify *v = ctx;
	uint32_t i = chunk_index_find(&v->r->index, id);
	if (i < v->n_good && v->good[i / 8] >> (i % 8) & 1)
		return 0;
	if (v->missing++ == 0)
		v->first_missing = *id;
	return 0;
}

static int check_snapshot(struct verify *v, const char *id, repository_walk_fn *walk, void *walk_arg)
{
	struct buf b = BUF_INIT(CHUNK_MAX);
	char text[2 * CHUNK_ID_SIZE + 1];
	v->missing = 0;
	int e = sealed_file_get(v->r, FILE_SNAPSHOT, id, &b);
	if (e == ERR_NOT_FOUND) {
		e = 0;                                     /* forgotten meanwhile */
	} else if (e == 0 && walk) {
		e = walk(walk_arg, buf_str(&b), need, v);
		if (e && e != ERR_NO_MEMORY)
			fault(v, "snapshot %s: not all of it can be read (%s)", id, err_text(e));
		e = e == ERR_NO_MEMORY ? e : 0;
	} else if (e && e != ERR_NO_MEMORY) {
		fault(v, "snapshot %s: %s", id, err_text(e));
		e = 0;
	}
	if (v->missing) {
		id_format(&v->first_missing, text);
		fault(v, "snapshot %s: %llu chunks are missing or damaged, the first is %s", id, (unsigned long long)v->missing, text);
	}
	buf_fini(&b);
	return e;
}

static int check_note(void *arg, const char *name)
{
	struct verify *v = arg;
	struct buf b = BUF_INIT(CHUNK_MAX);
	int e = repository_note_get(v->r, name, &b);
	if (e == ERR_CORRUPT || e == ERR_IO || e == ERR_VERSION)
		fault(v, "note %.64s: %s", name, err_text(e));
	buf_fini(&b);
	return e == ERR_NO_MEMORY ? e : 0;            /* or removed meanwhile */
}

int repository_verify(struct repository *r, repository_walk_fn *walk, void *walk_arg, repository_report_fn *fn, void *arg, uint64_t *faults_out)
{
	struct verify v = { .r = r, .fn = fn, .arg = arg, .trailer = BUF_INIT(CHUNK_MAX) };
	struct snapshot_list list;
	unsigned damaged;
	/* Snapshots first: what they name was there before them, so that a backup that is being made does not look like damage. */
	int e = r->writer.file.fd >= 0 ? repository_flush(r) : 0;
	if (e == 0)
		e = snapshot_list_load(r, &list);
	if (e)
		return e;
	int head = key_file_check(r, &damaged);
	if (head || damaged)
		fault(&v, "%u of the 2 copies of the file \"repository\" are damaged", head ? 2 : damaged);
	e = packs_load(r);
	if (e == 0)
		e = check_packs(&v);
	for (size_t i = 0; i < list.n && e == 0; i++)
		e = check_snapshot(&v, list.ids[i], walk, walk_arg);
	if (e == 0)
		e = notes_list(r, check_note, &v);
	snapshot_list_fini(&list);
	buf_fini(&v.trailer);
	free(v.good);
	*faults_out = v.faults;
	return e;
}
