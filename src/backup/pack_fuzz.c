/* Any bytes as a pack: refused, or walked through without an overrun; what is handed out is what its id says. The first octet chooses how much of the
 * checksums is put right before, so that mutations get past them. */
#include "backup/repository_priv.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "rt/crypto.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MUST(condition) do { if (!(condition)) { fprintf(stderr, "%d\n", __LINE__); abort(); } } while (0)
#define FIX_RECORDS 1
#define FIX_TRAILER_ID 2
#define FIX_FOOTER 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_right(uint8_t *p, size_t n, uint8_t how)
{
	for (size_t at = FILE_HEAD_SIZE; how & FIX_RECORDS && at + RECORD_HEAD_SIZE <= n;) {
		uint8_t *head = p + at;
		uint32_t stored = load_le32(head + 8);
		if (stored > n - at - RECORD_HEAD_SIZE)
			break;
		memcpy(head, record_mark, sizeof(record_mark));
		store_le32(head + 48, hash_crc32c(0, head + RECORD_HEAD_SIZE, stored));
		if (how & FIX_TRAILER_ID && head[4] == RECORD_TRAILER && head[5] == METHOD_STORED)
			MUST(crypto_sha256(str_make(head + RECORD_HEAD_SIZE, stored), head + 16) == 0);
		store_le32(head + 52, hash_crc32c(0, head, 52));
		at += RECORD_HEAD_SIZE + (size_t)stored;
	}
	if (how & FIX_FOOTER && n >= PACK_END_SIZE)
		store_le32(p + n - PACK_END_SIZE + 12, hash_crc32c(0, p + n - PACK_END_SIZE, 12));
}

static void chunk_must_fit(struct repository *r, const struct chunk_id *id, uint64_t offset, bool sound)
{
	struct buf out = BUF_INIT(CHUNK_MAX);
	struct chunk_id is;
	int e = pack_read_chunk(r, 0, offset, id, &out);
	MUST(e == 0 || (e == ERR_CORRUPT && !sound));
	MUST(e != 0 || (sealer_id(&r->sealer, buf_str(&out), &is) == 0 && memcmp(is.b, id->b, CHUNK_ID_SIZE) == 0));
	buf_fini(&out);
}

struct walked {
	struct repository *r;
	uint64_t next;
};

static int walked(void *arg, const struct scan_item *item)
{
	struct walked *w = arg;
	MUST(item->offset == w->next && item->size > 0 && item->offset + item->size <= w->r->open[0].size);
	w->next += item->size;
	/* the scratch buffer is free between two items */
	if (item->event == SCAN_CHUNK)
		chunk_must_fit(w->r, &item->id, item->offset, true);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct repository r;
	if (!r.sealer.inflater) {
		MUST(sealer_init(&r.sealer) == 0);
		buf_init(&r.scratch, 2 * CHUNK_MAX);
		r.writer.file.fd = -1;
		r.open[0].fd = memfd_create("pack", MFD_CLOEXEC);
		MUST(r.open[0].fd >= 0);
	}
	if (size < 1)
		return 0;
	size_t n = size - 1;
	uint8_t *p = malloc(n + 1);
	MUST(p);
	memcpy(p, data + 1, n);
	put_right(p, n, data[0]);
	MUST(ftruncate(r.open[0].fd, 0) == 0 && pwrite(r.open[0].fd, p, n, 0) == (ssize_t)n);
	free(p);
	r.open[0].size = n;
	struct buf trailer = BUF_INIT(CHUNK_MAX);
	uint64_t end;
	int e = pack_read_trailer(&r, &r.open[0], &trailer, &end);
	MUST(e == 0 || e == ERR_CORRUPT);
	for (size_t i = 0; i < trailer.n && e == 0; i += TRAILER_ENTRY_SIZE) {
		struct trailer_entry entry = trailer_entry_decode(trailer.p + i);
		chunk_must_fit(&r, &entry.id, entry.offset, false);
	}
	buf_fini(&trailer);
	struct walked w = { &r, FILE_HEAD_SIZE };
	MUST(pack_scan(&r, 0, walked, &w) == 0);
	MUST(n <= FILE_HEAD_SIZE || w.next >= n - (n > FILE_HEAD_SIZE + PACK_END_SIZE ? PACK_END_SIZE : 0));
	return 0;
}
