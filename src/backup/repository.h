/* A backup repository: a directory that only grows, of chunks named by what they hold, and snapshots that list chunks. Knows nothing of mail. One
 * thread, unless said; one process writes at a time (a lock file with flock), any number read. doc/format/backup.md.
 *
 * A chunk is a run of bytes under 64 MB and its id: SHA-256 of the bytes (of an encrypted repository: HMAC-SHA-256 under a key of the repository,
 * so that ids tell nothing). The same bytes are kept once. Chunks lie in pack files, compressed (zstd), then sealed when encrypted
 * (AES-256-GCM; the keys come from a passphrase by scrypt or yescrypt and a random salt). A pack is written to a temporary name, synced, renamed; only then are its
 * chunks known. So a run that is killed leaves whole packs, and the next run finds what they hold.
 * A snapshot is a file written last, by the same way: what it lists is there. */
#ifndef BACKUP_REPOSITORY_H
#define BACKUP_REPOSITORY_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct repository;

#define CHUNK_ID_SIZE 32
struct chunk_id { uint8_t b[CHUNK_ID_SIZE]; };

struct repository_config {
	const char *dir;                      /* made with `create`; its parent must exist */
	bool create;
	bool write;                           /* takes the lock; ERR_BUSY: another one writes */
	struct str passphrase;                /* with create: encrypts when not empty; otherwise must fit: ERR_DENIED */
};
int repository_open(const struct repository_config *c, struct repository **out, struct err *e);
void repository_close(struct repository **r);     /* what is not flushed is lost. Accepts NULL */

/* Puts a chunk unless it is there already (*new_out tells; may be NULL). Durable after repository_flush. ERR_NO_SPACE, ERR_IO. */
int repository_put(struct repository *r, struct str bytes, struct chunk_id *id_out, bool *new_out);
int repository_flush(struct repository *r);
bool repository_has(struct repository *r, const struct chunk_id *id);
/* Reads and verifies. ERR_NOT_FOUND, ERR_CORRUPT. Appends to out. */
int repository_get(struct repository *r, const struct chunk_id *id, struct buf *out);

/* Free notes for who writes: small files by name ([a-z0-9-]), replaced atomically, sealed like chunks. ERR_NOT_FOUND. */
int repository_note_put(struct repository *r, const char *name, struct str bytes);
int repository_note_get(struct repository *r, const char *name, struct buf *out);

/* Snapshots: `bytes` is the caller's, and names chunks. The id is a time, "20261126T150405Z", made unique by "-2" and so on. Durable, flushes first. */
#define SNAPSHOT_ID_MAX 32
int repository_snapshot_put(struct repository *r, int64_t now, struct str bytes, char id_out[SNAPSHOT_ID_MAX]);
int repository_snapshot_get(struct repository *r, const char *id, struct buf *out);       /* "" or "latest": the newest */
/* Oldest first; fn's value, if not 0, ends it and is returned. */
int repository_snapshots(struct repository *r, int (*fn)(void *arg, const char *id), void *arg);

/* Reads every pack and every snapshot, verifies each chunk, and reports what is wrong (a line each). walk: told each snapshot's bytes, calls `need` for
 * each chunk it names; may be NULL. */
typedef void repository_report_fn(void *arg, const char *line);
typedef int repository_need_fn(void *ctx, const struct chunk_id *id);
typedef int repository_walk_fn(void *arg, struct str snapshot, repository_need_fn *need, void *ctx);
int repository_verify(struct repository *r, repository_walk_fn *walk, void *walk_arg, repository_report_fn *fn, void *arg, uint64_t *faults_out);
/* Forgets snapshots for which keep says false, and gives back the room of chunks that no snapshot left needs (packs that are mostly unneeded are
 * rewritten). Safe to be killed at any moment. */
int repository_prune(struct repository *r, bool (*keep)(void *arg, const char *id), void *keep_arg, repository_walk_fn *walk, void *walk_arg,
					 uint64_t *freed_out);

struct repository_stats { uint64_t chunks, packs, bytes, snapshots, put, put_new, put_bytes; };
void repository_stats(struct repository *r, struct repository_stats *out);

#endif
