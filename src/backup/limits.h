/* Every ceiling of the backup repository. */
#ifndef BACKUP_LIMITS_H
#define BACKUP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define CHUNK_MAX ((size_t)64 << 20)              /* bytes of a chunk, a snapshot or a note: fewer than this */
#define PACK_TARGET ((uint64_t)32 << 20)          /* bytes: a pack that has so many is closed */
#define PACK_CHUNKS_MAX 500000                    /* chunks of one pack: its trailer stays under CHUNK_MAX */
#define PACK_WRITE ((size_t)1 << 20)              /* bytes gathered before they are written */
#define PACKS_OPEN 16                             /* files that are kept open for reading */
#define PACK_SCAN ((size_t)64 << 10)              /* bytes read at once while looking for the next record after damage */
#define COMPRESS_LEVEL_ZSTD 3
#define SCRYPT_LOG2_N 16                          /* of new repositories: 64 MB of memory and some 0.2 s for each guess */
#define SCRYPT_R 8
#define NOTE_NAME_MAX 64                          /* bytes */
#define SNAPSHOTS_MAX 100000                      /* of one repository */
#define PRUNE_REWRITE_PERCENT 50                  /* a pack is rewritten when more than this of it is not needed */

#endif
