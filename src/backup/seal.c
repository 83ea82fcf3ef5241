#include "backup/seal.h"

#include "backup/limits.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "rt/crypto.h"

#include <stdlib.h>
#include <zstd.h>

#define BODY_MAX (CHUNK_MAX + ((size_t)1 << 20))

int sealer_init(struct sealer *s)
{
	*s = (struct sealer){ .deflater = ZSTD_createCCtx(), .inflater = ZSTD_createDCtx() };
	buf_init(&s->body, BODY_MAX);
	if (s->deflater && s->inflater)
		return 0;
	sealer_fini(s);
	return ERR_NO_MEMORY;
}

void sealer_fini(struct sealer *s)
{
	ZSTD_freeCCtx(s->deflater);
	ZSTD_freeDCtx(s->inflater);
	buf_fini(&s->body);
	crypto_wipe(s, sizeof(*s));
}

int sealer_file_key(const struct sealer *s, const uint8_t salt[FILE_SALT_SIZE], struct crypto_seal **out)
{
	uint8_t key[CRYPTO_SHA256_SIZE];
	*out = NULL;
	if (!s->sealed)
		return 0;
	int r = crypto_hmac_sha256(str_make(s->seal_key, sizeof(s->seal_key)), str_make(salt, FILE_SALT_SIZE), key);
	if (r == 0)
		r = crypto_seal_create(key, out);
	crypto_wipe(key, sizeof(key));
	return r;
}

int sealer_id(const struct sealer *s, struct str bytes, struct chunk_id *out)
{
	return s->sealed ? crypto_hmac_sha256(str_make(s->id_key, sizeof(s->id_key)), bytes, out->b) : crypto_sha256(bytes, out->b);
}

/* A file's key seals each of its records once, so where the record lies makes the nonce. */
static void nonce_make(uint64_t offset, uint8_t out[CRYPTO_SEAL_NONCE])
{
	memset(out, 0, CRYPTO_SEAL_NONCE);
	store_le64(out, offset);
}

/* Into s->body; a body that hardly shrinks is left as it is. */
static int body_make(struct sealer *s, struct str raw, uint8_t *method_out)
{
	buf_reset(&s->body);
	char *to = buf_reserve(&s->body, ZSTD_compressBound(raw.n));
	if (!to)
		return ERR_NO_MEMORY;
	size_t n = ZSTD_compressCCtx(s->deflater, to, s->body.cap - s->body.n, raw.p, raw.n, COMPRESS_LEVEL_ZSTD);
	if (!ZSTD_isError(n) && n < raw.n - raw.n / 32) {
		s->body.n = n;
		*method_out = METHOD_ZSTD;
		return 0;
	}
	buf_add_str(&s->body, raw);
	*method_out = METHOD_STORED;
	return s->body.failed ? ERR_NO_MEMORY : 0;
}

int sealer_record(struct sealer *s, struct crypto_seal *file_key, enum record_kind kind, const struct chunk_id *id, struct str raw, uint64_t offset,
				  struct buf *out)
{
	struct record_head h = { .kind = (uint8_t)kind, .raw = (uint32_t)raw.n, .id = *id };
	if (raw.n >= CHUNK_MAX)
		return ERR_TOO_BIG;
	int r = body_make(s, raw, &h.method);
	if (r)
		return r;
	h.stored = (uint32_t)(s->body.n + (file_key ? CRYPTO_SEAL_TAG : 0));
	uint8_t *to = (uint8_t *)buf_reserve(out, RECORD_HEAD_SIZE + (size_t)h.stored);
	if (!to)
		return ERR_NO_MEMORY;
	if (file_key) {
		uint8_t nonce[CRYPTO_SEAL_NONCE];
		nonce_make(offset, nonce);
		record_head_encode(&h, to);
		r = crypto_seal_close(file_key, nonce, str_make(to, RECORD_BESIDE_SIZE), buf_str(&s->body), to + RECORD_HEAD_SIZE);
	} else if (s->body.n > 0) {
		memcpy(to + RECORD_HEAD_SIZE, s->body.p, s->body.n);
	}
	h.body_crc = hash_crc32c(0, to + RECORD_HEAD_SIZE, h.stored);
	record_head_encode(&h, to);
	if (r == 0)
		out->n += RECORD_HEAD_SIZE + (size_t)h.stored;
	return r;
}

static int unseal(struct sealer *s, struct crypto_seal *file_key, const uint8_t *head, struct str *body, uint64_t offset)
{
	uint8_t nonce[CRYPTO_SEAL_NONCE];
	if (!file_key)
		return 0;
	buf_reset(&s->body);
	char *to = buf_reserve(&s->body, body->n);
	if (!to)
		return ERR_NO_MEMORY;
	nonce_make(offset, nonce);
	int r = crypto_seal_open(file_key, nonce, str_make(head, RECORD_BESIDE_SIZE), *body, (uint8_t *)to);
	*body = str_make(to, body->n - CRYPTO_SEAL_TAG);
	return r;
}

int sealer_open(struct sealer *s, struct crypto_seal *file_key, const uint8_t head[RECORD_HEAD_SIZE], struct str body, uint64_t offset,
				struct buf *out)
{
	struct record_head h;
	struct chunk_id id;
	if (record_head_decode(head, &h) < 0 || body.n != h.stored || hash_crc32c(0, body.p, body.n) != h.body_crc ||
		(file_key && body.n < CRYPTO_SEAL_TAG))
		return ERR_CORRUPT;
	int r = unseal(s, file_key, head, &body, offset);
	if (r)
		return r;
	char *to = buf_reserve(out, h.raw);
	if (!to)
		return ERR_NO_MEMORY;
	if (h.method == METHOD_STORED) {
		if (body.n != h.raw)
			return ERR_CORRUPT;
		if (body.n > 0)
			memcpy(to, body.p, body.n);
	} else if (ZSTD_decompressDCtx(s->inflater, to, h.raw, body.p, body.n) != h.raw) {
		return ERR_CORRUPT;
	}
	r = sealer_id(s, str_make(to, h.raw), &id);
	if (r == 0 && memcmp(id.b, h.id.b, CHUNK_ID_SIZE) != 0)
		r = ERR_CORRUPT;
	if (r == 0)
		out->n += h.raw;
	return r;
}
