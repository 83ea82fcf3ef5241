#include "backup/repository.h"

#include "backup/repository_priv.h"

struct mend {
	struct repository *r;
	repository_report_fn *fn;
	void *arg;
	uint64_t set_aside;
	uint32_t pack;                                /* in hand */
	uint64_t saved;                               /* chunks of it */
};

__attribute__((format(printf, 2, 3))) static void report(struct mend *m, const char *format, ...)
{
	char line[256];
	va_list ap;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (m->fn)
		m->fn(m->arg, line);
}

static int set_aside(struct mend *m, const char *folder, const char *name)
{
	int e = file_move(m->r->dir_fd, folder, name, DAMAGED_FOLDER);
	if (e == 0)
		m->set_aside++;
	return e;
}

/* ---- packs ---- */

/* A sound chunk goes into the pack being written, unless it is known elsewhere. */
static int save(void *arg, const struct scan_item *item)
{
	struct mend *m = arg;
	struct repository *r = m->r;
	struct buf raw = BUF_INIT(CHUNK_MAX);
	if (item->event != SCAN_CHUNK)
		return 0;
	uint32_t i = chunk_index_find(&r->index, &item->id);
	const struct chunk_entry *known = i == CHUNK_NONE ? NULL : chunk_index_at(&r->index, i);
	if (known && known->pack != m->pack && !r->packs[known->pack].gone)
		return 0;
	int e = pack_read_chunk(r, m->pack, item->offset, &item->id, &raw);
	if (e == 0)
		e = pack_write_chunk(r, &item->id, buf_str(&raw));
	m->saved += e == 0;
	buf_fini(&raw);
	return e;
}

/* The new pack is durable before the old one moves. */
static int mend_pack(struct mend *m, uint32_t pack)
{
	struct repository *r = m->r;
	char name[17];
	m->pack = pack;
	m->saved = 0;
	pack_name_format(r->packs[pack].name, name);
	int e = pack_scan(r, pack, save, m);
	if (r->failed)
		return r->failed;
	if (e == ERR_IO || e == ERR_VERSION) {
		report(m, "pack %s: %s; it stays where it is", name, err_text(e));
		return 0;
	}
	if (e && e != ERR_CORRUPT)                    /* no head that tells its key: nothing of it can be saved */
		return e == ERR_NOT_FOUND ? 0 : e;
	e = repository_flush(r);
	if (e)
		return e;
	pack_file_close(r, pack);
	e = set_aside(m, PACK_FOLDER, name);
	if (e)
		return e;
	pack_gone(r, pack);
	report(m, "pack %s: %llu chunks saved, the file is now " DAMAGED_FOLDER "/%s", name, (unsigned long long)m->saved, name);
	return 0;
}

/* ---- small files ---- */

static int mend_small(struct mend *m, enum file_kind kind, const char *folder, const char *name)
{
	struct buf b = BUF_INIT(CHUNK_MAX);
	int e = sealed_file_get(m->r, kind, name, &b);
	buf_fini(&b);
	if (e == ERR_NO_MEMORY)
		return e;
	if (e != ERR_CORRUPT)
		return 0;
	e = set_aside(m, folder, name);
	if (e == 0)
		report(m, "%s/%s: damaged, is now " DAMAGED_FOLDER "/%s", folder, name, name);
	return e;
}

static int mend_note(void *arg, const char *name) { return mend_small(arg, FILE_NOTE, NOTE_FOLDER, name); }

int repository_mend(struct repository *r, repository_report_fn *fn, void *arg, uint64_t *set_aside_out)
{
	struct mend m = { .r = r, .fn = fn, .arg = arg };
	struct snapshot_list list = { 0 };
	uint64_t faults;
	*set_aside_out = 0;
	int e = repository_flush(r);
	if (e == 0)
		e = repository_verify(r, NULL, NULL, fn, arg, &faults);      /* marks packs as damaged */
	for (uint32_t i = 0, n = r->n_packs; i < n && e == 0; i++)
		if (r->packs[i].damaged && !r->packs[i].gone)
			e = mend_pack(&m, i);
	if (e == 0)
		e = snapshot_list_load(r, &list);
	for (size_t i = 0; i < list.n && e == 0; i++)
		e = mend_small(&m, FILE_SNAPSHOT, SNAPSHOT_FOLDER, list.ids[i]);
	snapshot_list_fini(&list);
	if (e == 0)
		e = packs_load(r);
	if (e == 0)
		e = notes_list(r, mend_note, &m);
	*set_aside_out = m.set_aside;
	return e;
}
