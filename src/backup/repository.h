/* A backup repository: a directory that only grows, of chunks named by what they hold, and snapshots that list chunks. Knows nothing of mail. One
 * thread, unless said; one process writes at a time (a lock file with flock), any number read. doc/format/backup.md.
 *
 * A chunk is a run of bytes under 64 MB and its id: SHA-256 of the bytes (of an encrypted repository: HMAC-SHA-256 under a key of the repository,
 * so that ids tell nothing). The same bytes are kept once. Chunks lie in pack files, compressed (zstd), then sealed when encrypted
 * (AES-256-GCM; the keys are sealed by a passphrase, scrypt and a random salt). A pack is written to a temporary name, synced, renamed; only then
 * are its chunks known. So a run that is killed leaves whole packs, and the next run finds what they hold.
 * A snapshot is a file written last, by the same way: what it lists is there.
 *
 * In memory: about 40 bytes a chunk (37 to 43), so 400 MB for 10 million; opening reads 40 bytes a chunk from disk. */
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
	bool create;                          /* implies write. ERR_EXISTS: there is one already; ERR_CONFLICT: the directory holds something else */
	bool write;                           /* takes the lock; ERR_BUSY: another one writes */
	struct str passphrase;                /* with create: encrypts when not empty; otherwise must fit, or be empty when not encrypted: ERR_DENIED */
};
/* ERR_NOT_FOUND: no repository there. ERR_VERSION: made by a newer program. ERR_CORRUPT: both copies of its first file are damaged. Damaged packs do
 * not keep it from opening: what they lost is not known (repository_has) and will be put again. What killed writers left is removed by a writer. */
int repository_open(const struct repository_config *c, struct repository **out, struct err *e);
void repository_close(struct repository **r);     /* what is not flushed is lost. Accepts NULL */

/* Puts a chunk unless it is there already (*new_out tells; may be NULL). Durable after repository_flush; a pack that is full (32 MB) is flushed by
 * itself. ERR_TOO_BIG, ERR_DENIED (not open for writing), ERR_NO_SPACE, ERR_IO.
 * When writing has failed, what was put since the last flush is lost and every further put, flush and snapshot fails with the same error: close, and
 * begin again. So no snapshot can name what is not there. */
int repository_put(struct repository *r, struct str bytes, struct chunk_id *id_out, bool *new_out);
int repository_flush(struct repository *r);
/* Known since it was opened, or put since. */
bool repository_has(struct repository *r, const struct chunk_id *id);
/* Reads and verifies; appends to out. Finds also what another process wrote or moved since this one opened. ERR_NOT_FOUND, ERR_CORRUPT, ERR_IO; out
 * then is as before. */
int repository_get(struct repository *r, const struct chunk_id *id, struct buf *out);
/* The same for who takes what is left: a chunk that the disk does not give (ERR_IO) is damaged (ERR_CORRUPT), unless it gives none any more. */
int repository_get_left(struct repository *r, const struct chunk_id *id, struct buf *out);

/* Notes for who writes: small files by name ([a-z0-9-], 64 at most: ERR_INVALID), under 64 MB, replaced atomically, sealed like chunks; put does not
 * flush. Nothing keeps the chunks that they may name: ask repository_has. ERR_NOT_FOUND, ERR_CORRUPT. */
int repository_note_put(struct repository *r, const char *name, struct str bytes);
int repository_note_get(struct repository *r, const char *name, struct buf *out);

/* Snapshots: `bytes` is the caller's, under 64 MB, and names chunks. The id is a time, "20261126T150405Z", made unique by "-2" and so on; while the clock is behind the newest
 * one's, it is that one's, with the next number: later ones have greater ids. Durable,
 * flushes first. ERR_TOO_BIG also when there are 100,000. */
#define SNAPSHOT_ID_MAX 32
int repository_snapshot_put(struct repository *r, int64_t now, struct str bytes, char id_out[SNAPSHOT_ID_MAX]);
int repository_snapshot_get(struct repository *r, const char *id, struct buf *out);       /* "" or "latest": the newest. ERR_NOT_FOUND, ERR_CORRUPT */
/* Oldest first; fn's value, if not 0, ends it and is returned. */
int repository_snapshots(struct repository *r, int (*fn)(void *arg, const char *id), void *arg);

/* Reads every pack, snapshot and note, verifies each chunk, and reports what is wrong (a line each, without newline; fn may be NULL). walk: told each
 * snapshot's bytes, calls `need` for each chunk it names (need returns 0, or what walk must return at once); may use repository_get; a negative code
 * that it returns is a fault of that snapshot. May be NULL. 0 also when there are faults; else why it could not go on (ERR_NO_MEMORY, ERR_IO). */
typedef void repository_report_fn(void *arg, const char *line);
typedef int repository_need_fn(void *ctx, const struct chunk_id *id);
typedef int repository_walk_fn(void *arg, struct str snapshot, repository_need_fn *need, void *ctx);
int repository_verify(struct repository *r, repository_walk_fn *walk, void *walk_arg, repository_report_fn *fn, void *arg, uint64_t *faults_out);
/* Verifies all packs, snapshots and notes. What is sound in a damaged pack goes into a new one, then the damaged file to damaged/, as do damaged
 * snapshots and notes: no pack or snapshot is ever deleted. Chunks that were lost are unknown afterwards, so the next backup puts them again, which
 * makes older snapshots that name them whole. A file that the disk does not give stays where it is. set_aside_out: files moved. ERR_DENIED (not open
 * for writing). Safe to be killed. */
int repository_mend(struct repository *r, repository_report_fn *fn, void *arg, uint64_t *set_aside_out);
/* Forgets snapshots for which keep says false (NULL: keeps all), and gives back the room of chunks that no snapshot left needs: packs of which more
 * than half is unneeded are rewritten, and small packs joined. Safe to be killed at any moment. walk as above, needed here (ERR_INVALID); when a
 * snapshot to be kept cannot be read, or walk fails, nothing is removed and that error is returned. *freed_out in bytes. A damaged pack is left
 * alone. */
int repository_prune(struct repository *r, bool (*keep)(void *arg, const char *id), void *keep_arg, repository_walk_fn *walk, void *walk_arg,
					 uint64_t *freed_out);

/* bytes: of the packs. put, put_new: calls since it was opened, and those that were new; put_bytes of all of them, before compression. */
struct repository_stats { uint64_t chunks, packs, bytes, snapshots, put, put_new, put_bytes; };
void repository_stats(struct repository *r, struct repository_stats *out);

#endif
