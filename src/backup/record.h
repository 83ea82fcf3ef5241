/* The bytes of a repository's files: a file head, records, and a pack's trailer and footer (doc/format/backup.md). Pure: bytes <-> values; any
 * thread. */
#ifndef BACKUP_RECORD_H
#define BACKUP_RECORD_H

#include "backup/repository.h"

#define BACKUP_VERSION 1

#define FILE_HEAD_SIZE 64
#define FILE_SALT_SIZE 32
enum file_kind { FILE_REPOSITORY = 1, FILE_PACK = 2, FILE_SNAPSHOT = 3, FILE_NOTE = 4 };
enum file_cipher { CIPHER_NONE = 0, CIPHER_AES_256_GCM = 1 };

struct file_head {
	uint8_t kind, cipher, log2_n, r;              /* the last two: of scrypt, in the repository's own file */
	uint8_t salt[FILE_SALT_SIZE];
	uint64_t repository;                          /* which repository the file belongs to */
};
void file_head_encode(const struct file_head *h, uint8_t out[FILE_HEAD_SIZE]);
/* 0, ERR_VERSION (a sound head of a newer format), ERR_CORRUPT. */
int file_head_decode(const uint8_t in[FILE_HEAD_SIZE], struct file_head *out);

#define RECORD_HEAD_SIZE 56
#define RECORD_BESIDE_SIZE 48                     /* of it, what the seal covers beside the body */
enum record_kind { RECORD_CHUNK = 1, RECORD_TRAILER = 2, RECORD_SNAPSHOT = 3, RECORD_NOTE = 4 };
enum record_method { METHOD_STORED = 0, METHOD_ZSTD = 1 };

struct record_head {
	uint8_t kind, method;
	uint32_t stored, raw;                         /* bytes of the body as it lies there, and of what it holds */
	struct chunk_id id;                           /* of what it holds */
	uint32_t body_crc;                            /* of the body as it lies there */
};
extern const char record_mark[4];                 /* how each begins */
void record_head_encode(const struct record_head *h, uint8_t out[RECORD_HEAD_SIZE]);
int record_head_decode(const uint8_t in[RECORD_HEAD_SIZE], struct record_head *out);      /* 0 or ERR_CORRUPT */

/* A pack ends in a trailer (a record), a footer that tells where it begins, and the file head once more. */
#define FOOTER_SIZE 16
#define PACK_END_SIZE (FOOTER_SIZE + FILE_HEAD_SIZE)
void footer_encode(uint64_t trailer, uint8_t out[FOOTER_SIZE]);
int footer_decode(const uint8_t in[FOOTER_SIZE], uint64_t *trailer_out);                  /* 0 or ERR_CORRUPT */

/* A trailer holds an entry for each chunk in the order of their offsets. */
#define TRAILER_ENTRY_SIZE 40
struct trailer_entry {
	struct chunk_id id;
	uint32_t offset, stored;                      /* of the record; of its body */
};
void trailer_entry_encode(const struct trailer_entry *e, uint8_t out[TRAILER_ENTRY_SIZE]);
struct trailer_entry trailer_entry_decode(const void *in);
/* Do its entries say that records lie without gap from the file head to `end`, where the trailer's own record begins? */
bool trailer_is_sound(struct str entries, uint64_t end);

#endif
