#include "backup/record.h"

#include "backup/limits.h"
#include "base/bytes.h"
#include "base/hash.h"

static const char file_mark[8] = { 'T', 'R', 'O', 'I', 'K', 'A', 'B', 'K' };
const char record_mark[4] = { 'T', 'K', 'r', '1' };
static const char footer_mark[4] = { 'T', 'K', 'e', '1' };

void file_head_encode(const struct file_head *h, uint8_t out[FILE_HEAD_SIZE])
{
	memset(out, 0, FILE_HEAD_SIZE);
	memcpy(out, file_mark, sizeof(file_mark));
	store_le32(out + 8, BACKUP_VERSION);
	out[12] = h->kind;
	out[13] = h->cipher;
	out[14] = h->log2_n;
	out[15] = h->r;
	memcpy(out + 16, h->salt, FILE_SALT_SIZE);
	store_le64(out + 48, h->repository);
	store_le32(out + 60, hash_crc32c(0, out, 60));
}

int file_head_decode(const uint8_t in[FILE_HEAD_SIZE], struct file_head *out)
{
	if (memcmp(in, file_mark, sizeof(file_mark)) != 0 || load_le32(in + 60) != hash_crc32c(0, in, 60))
		return ERR_CORRUPT;
	if (load_le32(in + 8) > BACKUP_VERSION)
		return ERR_VERSION;
	*out = (struct file_head){ .kind = in[12], .cipher = in[13], .log2_n = in[14], .r = in[15], .repository = load_le64(in + 48) };
	memcpy(out->salt, in + 16, FILE_SALT_SIZE);
	return load_le32(in + 8) == 0 || load_le32(in + 56) != 0 || out->cipher > CIPHER_AES_256_GCM ? ERR_CORRUPT : 0;
}

void record_head_encode(const struct record_head *h, uint8_t out[RECORD_HEAD_SIZE])
{
	memcpy(out, record_mark, sizeof(record_mark));
	out[4] = h->kind;
	out[5] = h->method;
	out[6] = out[7] = 0;
	store_le32(out + 8, h->stored);
	store_le32(out + 12, h->raw);
	memcpy(out + 16, h->id.b, CHUNK_ID_SIZE);
	store_le32(out + 48, h->body_crc);
	store_le32(out + 52, hash_crc32c(0, out, 52));
}

int record_head_decode(const uint8_t in[RECORD_HEAD_SIZE], struct record_head *out)
{
	if (memcmp(in, record_mark, sizeof(record_mark)) != 0 || load_le32(in + 52) != hash_crc32c(0, in, 52))
		return ERR_CORRUPT;
	*out = (struct record_head){ .kind = in[4], .method = in[5], .stored = load_le32(in + 8), .raw = load_le32(in + 12), .body_crc = load_le32(in + 48) };
	memcpy(out->id.b, in + 16, CHUNK_ID_SIZE);
	bool sound = out->kind >= RECORD_CHUNK && out->kind <= RECORD_NOTE && out->method <= METHOD_ZSTD && in[6] == 0 && in[7] == 0 &&
		out->raw < CHUNK_MAX && out->stored < CHUNK_MAX + 1024;
	return sound ? 0 : ERR_CORRUPT;
}

void footer_encode(uint64_t trailer, uint8_t out[FOOTER_SIZE])
{
	store_le64(out, trailer);
	memcpy(out + 8, footer_mark, sizeof(footer_mark));
	store_le32(out + 12, hash_crc32c(0, out, 12));
}

int footer_decode(const uint8_t in[FOOTER_SIZE], uint64_t *trailer_out)
{
	*trailer_out = load_le64(in);
	return memcmp(in + 8, footer_mark, sizeof(footer_mark)) == 0 && load_le32(in + 12) == hash_crc32c(0, in, 12) ? 0 : ERR_CORRUPT;
}

void trailer_entry_encode(const struct trailer_entry *e, uint8_t out[TRAILER_ENTRY_SIZE])
{
	memcpy(out, e->id.b, CHUNK_ID_SIZE);
	store_le32(out + 32, e->offset);
	store_le32(out + 36, e->stored);
}

struct trailer_entry trailer_entry_decode(const void *in)
{
	const uint8_t *p = in;
	struct trailer_entry e = { .offset = load_le32(p + 32), .stored = load_le32(p + 36) };
	memcpy(e.id.b, p, CHUNK_ID_SIZE);
	return e;
}

bool trailer_is_sound(struct str entries, uint64_t end)
{
	uint64_t at = FILE_HEAD_SIZE;
	if (entries.n % TRAILER_ENTRY_SIZE != 0)
		return false;
	for (size_t i = 0; i < entries.n; i += TRAILER_ENTRY_SIZE) {
		struct trailer_entry e = trailer_entry_decode(entries.p + i);
		if (e.offset != at)
			return false;
		at += RECORD_HEAD_SIZE + (uint64_t)e.stored;
	}
	return at == end;
}
