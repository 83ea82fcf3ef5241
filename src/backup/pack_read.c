#include "backup/repository_priv.h"
#include "base/base64.h"
#include "base/bytes.h"
#include "rt/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_AHEAD ((size_t)16 << 10)             /* most records are smaller: one system call */

/* ---- names ---- */

void pack_name_format(uint64_t name, char out[17]) { snprintf(out, 17, "%016llx", (unsigned long long)name); }

static bool name_parse(const char *text, uint64_t *out)
{
	struct buf b = BUF_INIT(0);
	bool fine = strlen(text) == 16 && hex_decode(&b, str_from_c(text)) == 0 && b.n == 8;
	char again[17] = "";
	if (fine) {
		*out = load_be64(b.p);
		pack_name_format(*out, again);
	}
	buf_fini(&b);
	return fine && strcmp(again, text) == 0;
}

int pack_add(struct repository *r, uint64_t name, uint64_t size, uint32_t *out)
{
	if (r->n_packs == r->cap_packs) {
		uint32_t cap = r->cap_packs ? r->cap_packs * 2 : 64;
		struct pack *packs = realloc(r->packs, cap * sizeof(*packs));
		if (!packs)
			return ERR_NO_MEMORY;
		r->packs = packs;
		r->cap_packs = cap;
	}
	*out = r->n_packs++;
	r->packs[*out] = (struct pack){ .name = name, .size = size };
	return 0;
}

/* ---- files ---- */

static void place_free(struct pack_file *f)
{
	if (f->pack == PACK_NONE)
		return;
	close(f->fd);
	crypto_seal_destroy(&f->key);
	*f = (struct pack_file){ .pack = PACK_NONE, .fd = -1 };
}

void pack_file_close(struct repository *r, uint32_t pack)
{
	for (size_t i = 0; i < PACKS_OPEN; i++)
		if (r->open[i].pack == pack)
			place_free(&r->open[i]);
}

void pack_files_close(struct repository *r)
{
	for (size_t i = 0; i < PACKS_OPEN; i++)
		place_free(&r->open[i]);
}

static int head_read(struct repository *r, struct pack_file *f, uint64_t name, uint64_t offset, struct file_head *h)
{
	uint8_t bytes[FILE_HEAD_SIZE];
	int e = file_read_at(f->fd, bytes, sizeof(bytes), offset);
	if (e == 0)
		e = file_head_decode(bytes, h);
	if (e)
		return e;
	bool fits = h->kind == FILE_PACK && h->repository == r->id && load_be64(h->salt) == name && (h->cipher != CIPHER_NONE) == r->sealer.sealed;
	return fits ? 0 : ERR_CORRUPT;
}

static int open_place(struct repository *r, struct pack_file *f, uint64_t name)
{
	char path[40] = PACK_FOLDER "/";
	struct stat s;
	struct file_head h;
	pack_name_format(name, path + strlen(path));
	f->fd = openat(r->dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (f->fd < 0)
		return err_from_errno(NULL, errno, "%s", path);
	if (fstat(f->fd, &s) < 0)
		return ERR_IO;
	f->size = (uint64_t)s.st_size;
	int e = head_read(r, f, name, 0, &h);
	if (e == ERR_CORRUPT) {
		f->head_damaged = true;
		e = f->size < FILE_HEAD_SIZE + PACK_END_SIZE ? ERR_CORRUPT : head_read(r, f, name, f->size - FILE_HEAD_SIZE, &h);
		if (e == ERR_CORRUPT && !r->sealer.sealed)
			e = 0;                                /* nothing of it is needed for reading */
	}
	return e ? e : sealer_file_key(&r->sealer, h.salt, &f->key);
}

int pack_file_open(struct repository *r, uint32_t pack, struct pack_file **out)
{
	struct pack_file *f = &r->open[0];
	for (size_t i = 0; i < PACKS_OPEN; i++) {
		if (r->open[i].pack == pack) {
			*out = &r->open[i];
			(*out)->used = ++r->clock;
			return 0;
		}
		if (r->open[i].used < f->used)
			f = &r->open[i];
	}
	place_free(f);
	int e = open_place(r, f, r->packs[pack].name);
	f->pack = pack;
	f->used = ++r->clock;
	if (e) {
		if (f->fd < 0)
			*f = (struct pack_file){ .pack = PACK_NONE, .fd = -1 };
		place_free(f);
	}
	*out = f;
	return e;
}

/* ---- records ---- */

int pack_read_record(struct repository *r, int fd, uint64_t offset, struct record_head *head_out)
{
	struct buf *b = &r->scratch;
	buf_reset(b);
	char *to = buf_reserve(b, READ_AHEAD);
	if (!to)
		return ERR_NO_MEMORY;
	ssize_t got;
	while ((got = fault_hit("backup.read") ? (errno = EIO, -1) : pread(fd, to, READ_AHEAD, (off_t)offset)) < 0 && errno == EINTR)
		;
	if (got < 0)
		return ERR_IO;
	b->n = (size_t)got;
	int e = b->n < RECORD_HEAD_SIZE ? ERR_CORRUPT : record_head_decode((const uint8_t *)b->p, head_out);
	if (e)
		return e;
	size_t want = RECORD_HEAD_SIZE + (size_t)head_out->stored;
	if (b->n < want) {
		to = buf_reserve(b, want - b->n);
		e = to ? file_read_at(fd, to, want - b->n, offset + b->n) : ERR_NO_MEMORY;
		if (e)
			return e == ERR_CORRUPT ? 0 : e;      /* the file ends before */
	}
	b->n = want;
	return 0;
}

/* What r->scratch holds, by pack_read_record, is the record of that offset. */
static int scratch_open(struct repository *r, struct crypto_seal *key, uint64_t offset, struct buf *out)
{
	return sealer_open(&r->sealer, key, (const uint8_t *)r->scratch.p, str_from(buf_str(&r->scratch), RECORD_HEAD_SIZE), offset, out);
}

int pack_read_chunk(struct repository *r, uint32_t pack, uint64_t offset, const struct chunk_id *id, struct buf *out)
{
	struct pack_writer *w = &r->writer;
	struct pack_file *f = NULL;
	struct record_head h;
	bool pending = w->file.fd >= 0 && pack == w->pack;
	int e = pending ? pack_write_pending(r) : pack_file_open(r, pack, &f);
	if (e == 0)
		e = pack_read_record(r, pending ? w->file.fd : f->fd, offset, &h);
	if (e == 0 && (h.kind != RECORD_CHUNK || memcmp(h.id.b, id->b, CHUNK_ID_SIZE) != 0))
		e = ERR_CORRUPT;
	return e ? e : scratch_open(r, pending ? w->key : f->key, offset, out);
}

int pack_read_trailer(struct repository *r, struct pack_file *f, struct buf *out, uint64_t *end_out)
{
	uint8_t footer[FOOTER_SIZE];
	struct record_head h;
	if (f->size < FILE_HEAD_SIZE + RECORD_HEAD_SIZE + PACK_END_SIZE)
		return ERR_CORRUPT;
	int e = file_read_at(f->fd, footer, sizeof(footer), f->size - PACK_END_SIZE);
	if (e == 0)
		e = footer_decode(footer, end_out);
	if (e == 0 && *end_out > f->size - PACK_END_SIZE - RECORD_HEAD_SIZE)
		e = ERR_CORRUPT;
	if (e == 0)
		e = pack_read_record(r, f->fd, *end_out, &h);
	if (e == 0 && (h.kind != RECORD_TRAILER || *end_out + RECORD_HEAD_SIZE + h.stored + PACK_END_SIZE != f->size))
		e = ERR_CORRUPT;
	if (e == 0) {
		e = scratch_open(r, f->key, *end_out, out);
	}
	return e == 0 && !trailer_is_sound(buf_str(out), *end_out) ? ERR_CORRUPT : e;
}

/* ---- all of them ---- */

void pack_gone(struct repository *r, uint32_t pack)
{
	r->packs[pack].gone = true;
	r->lost_places = true;
}

/* What another pack has too stays where it is known, unless that one is gone. */
static int place_add(struct repository *r, const struct chunk_id *id, uint32_t pack, uint64_t offset)
{
	uint32_t i = chunk_index_find(&r->index, id);
	if (i == CHUNK_NONE)
		return chunk_index_add(&r->index, id, pack, (uint32_t)offset);
	struct chunk_entry *e = chunk_index_at(&r->index, i);
	if (r->packs[e->pack].gone) {
		e->pack = pack;
		e->offset = (uint32_t)offset;
	} else if (e->pack != pack) {
		r->packs[pack].twice = true;
	}
	return 0;
}

struct load {
	struct repository *r;
	uint32_t pack;
};

static int scanned(void *arg, const struct scan_item *item)
{
	struct load *l = arg;
	return item->event == SCAN_CHUNK && item->offset <= UINT32_MAX ? place_add(l->r, &item->id, l->pack, item->offset) : 0;
}

static int load_pack(struct repository *r, uint32_t pack)
{
	struct buf entries = BUF_INIT(CHUNK_MAX);
	struct pack_file *f;
	uint64_t end;
	int e = pack_file_open(r, pack, &f);
	if (e == 0) {
		r->packs[pack].size = f->size;
		r->packs[pack].damaged = f->head_damaged;
		e = pack_read_trailer(r, f, &entries, &end);
	}
	for (size_t i = 0; i < entries.n && e == 0; i += TRAILER_ENTRY_SIZE) {
		struct trailer_entry entry = trailer_entry_decode(entries.p + i);
		e = place_add(r, &entry.id, pack, entry.offset);
	}
	buf_fini(&entries);
	if (e == ERR_CORRUPT) {
		r->packs[pack].damaged = true;
		e = pack_scan(r, pack, scanned, &(struct load){ r, pack });
	}
	if (e == ERR_NOT_FOUND)
		pack_gone(r, pack);                        /* somebody prunes */
	if (e == ERR_IO || e == ERR_CORRUPT)
		r->packs[pack].damaged = true;
	return e == ERR_NOT_FOUND || e == ERR_IO || e == ERR_CORRUPT ? 0 : e;
}

static int name_cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static int names_add(void *arg, const char *text)
{
	struct buf *names = arg;
	uint64_t name;
	if (name_parse(text, &name))
		buf_add(names, &name, sizeof(name));
	return names->failed ? ERR_NO_MEMORY : 0;
}

/* Names of the packs that are there, sorted; the caller frees. */
static int names_list(struct repository *r, uint64_t **out, size_t *n_out)
{
	struct buf names = BUF_INIT(0);
	int e = folder_list(r->dir_fd, PACK_FOLDER, names_add, &names);
	*n_out = names.n / sizeof(uint64_t);
	*out = (void *)names.p;
	if (e == 0 && *n_out > 0)
		qsort(*out, *n_out, sizeof(uint64_t), name_cmp);
	return e;
}

static bool names_have(const uint64_t *names, size_t n, uint64_t name) { return n > 0 && bsearch(&name, names, n, sizeof(name), name_cmp); }

/* First the packs that are gone, so that what they held may be found elsewhere; then the new ones. */
static int load_once(struct repository *r, bool *changed_out)
{
	uint64_t *there, *known = NULL;
	size_t n_there, n_known = 0;
	uint32_t pack;
	int e = names_list(r, &there, &n_there);
	*changed_out = false;
	if (e == 0 && !(known = malloc((r->n_packs + 1) * sizeof(*known))))
		e = ERR_NO_MEMORY;
	for (uint32_t i = 0; i < r->n_packs && e == 0; i++) {
		struct pack *p = &r->packs[i];
		bool pending = r->writer.file.fd >= 0 && i == r->writer.pack;
		if (!p->gone && !pending && !names_have(there, n_there, p->name)) {
			pack_gone(r, i);
			*changed_out = true;
		}
		if (!p->gone)
			known[n_known++] = p->name;
	}
	bool again = r->lost_places;
	r->lost_places = false;
	for (uint32_t i = 0; i < r->n_packs && again && e == 0; i++)
		if (r->packs[i].twice && !r->packs[i].gone)
			e = load_pack(r, i);
	if (n_known > 0)
		qsort(known, n_known, sizeof(*known), name_cmp);
	for (size_t i = 0; i < n_there && e == 0; i++) {
		if (names_have(known, n_known, there[i]))
			continue;
		*changed_out = true;
		e = pack_add(r, there[i], 0, &pack);
		if (e == 0)
			e = load_pack(r, pack);
	}
	free(there);
	free(known);
	return e;
}

/* A directory that changes while it is listed may show neither the old pack nor the new one that took its chunks; it is listed until it stays the same. */
int packs_load(struct repository *r)
{
	bool changed = true;
	int e = 0;
	for (unsigned i = 0; i < PACK_LISTINGS_MAX && (changed || r->lost_places) && e == 0; i++)
		e = load_once(r, &changed);
	return e;
}
