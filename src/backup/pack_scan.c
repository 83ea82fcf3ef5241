#include "backup/repository_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Where the next sound record head begins, at `from` or behind; the end of the file when there is none. */
static int find_head(struct pack_file *f, uint64_t from, uint64_t *out)
{
	char *window = malloc(PACK_SCAN);
	struct record_head h;
	int e = window ? 0 : ERR_NO_MEMORY;
	*out = f->size;
	for (uint64_t at = from; e == 0 && *out == f->size && at + RECORD_HEAD_SIZE <= f->size;) {
		size_t n = f->size - at < PACK_SCAN ? (size_t)(f->size - at) : PACK_SCAN;
		e = file_read_at(f->fd, window, n, at);
		size_t i = 0;
		for (; e == 0 && i + RECORD_HEAD_SIZE <= n; i++)
			if (window[i] == record_mark[0] && record_head_decode((const uint8_t *)window + i, &h) == 0) {
				*out = at + i;
				break;
			}
		at += i;
	}
	free(window);
	return e;
}

/* One record, or a damaged stretch. */
static int scan_one(struct repository *r, struct pack_file *f, uint64_t end, struct scan_item *item)
{
	struct record_head h;
	int e = pack_read_record(r, f->fd, item->offset, &h);
	if (e == ERR_CORRUPT) {
		uint64_t next;
		e = find_head(f, item->offset + 1, &next);
		item->event = SCAN_DAMAGE;
		item->size = (next < end || item->offset >= end ? next : end) - item->offset;
		return e;
	}
	if (e)
		return e;
	item->id = h.id;
	item->size = RECORD_HEAD_SIZE + (uint64_t)h.stored;
	if (item->offset + item->size > f->size)
		item->size = f->size - item->offset;
	item->event = SCAN_TRAILER;
	if (h.kind == RECORD_TRAILER)
		return 0;
	struct buf raw = BUF_INIT(CHUNK_MAX);
	e = h.kind != RECORD_CHUNK ? ERR_CORRUPT
		: sealer_open(&r->sealer, f->key, (const uint8_t *)r->scratch.p, str_from(buf_str(&r->scratch), RECORD_HEAD_SIZE), item->offset, &raw);
	buf_fini(&raw);
	item->event = e ? SCAN_BAD_CHUNK : SCAN_CHUNK;
	return e == ERR_CORRUPT ? 0 : e;
}

int pack_scan(struct repository *r, uint32_t pack, pack_scan_fn *fn, void *arg)
{
	struct pack_file *f;
	int e = pack_file_open(r, pack, &f);
	if (e)
		return e;
	/* the footer and the head behind it are no records */
	uint64_t end = f->size > FILE_HEAD_SIZE + PACK_END_SIZE ? f->size - PACK_END_SIZE : f->size;
	struct scan_item item = { .offset = FILE_HEAD_SIZE };
	while (e == 0 && item.offset < end) {
		e = scan_one(r, f, end, &item);
		if (e == 0)
			e = fn(arg, &item);
		item.offset += item.size;
	}
	return e;
}
