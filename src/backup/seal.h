/* What becomes of bytes on their way into a record and back: id, compression, seal. One thread. */
#ifndef BACKUP_SEAL_H
#define BACKUP_SEAL_H

#include "backup/record.h"
#include "rt/crypto_seal.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

/* A repository's keys, and tools that are made once. */
struct sealer {
	bool sealed;                                  /* otherwise there are no keys */
	uint8_t seal_key[CRYPTO_SEAL_KEY], id_key[CRYPTO_SEAL_KEY];
	struct ZSTD_CCtx_s *deflater;
	struct ZSTD_DCtx_s *inflater;
	struct buf body;                              /* between compression and seal */
};

int sealer_init(struct sealer *s);                /* without keys. ERR_NO_MEMORY */
void sealer_fini(struct sealer *s);               /* wipes the keys. Accepts one that is all zeros */

/* The key of one file, by its salt. *out is NULL when nothing is sealed. */
int sealer_file_key(const struct sealer *s, const uint8_t salt[FILE_SALT_SIZE], struct crypto_seal **out);
int sealer_id(const struct sealer *s, struct str bytes, struct chunk_id *out);

/* Adds a record that holds `raw`, to lie at `offset` of its file. ERR_NO_MEMORY, ERR_UNSUPPORTED, ERR_TOO_BIG. */
int sealer_record(struct sealer *s, struct crypto_seal *file_key, enum record_kind kind, const struct chunk_id *id, struct str raw, uint64_t offset,
				  struct buf *out);
/* The way back: verifies the body's checksum, seal, size and id, and adds what it holds to out. ERR_CORRUPT (out as before), ERR_NO_MEMORY. */
int sealer_open(struct sealer *s, struct crypto_seal *file_key, const uint8_t head[RECORD_HEAD_SIZE], struct str body, uint64_t offset,
				struct buf *out);

#endif
