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
#define PACK_LISTINGS_MAX 20                      /* of the folder in a row, while another process changes it */
#define UNREAD_CHUNKS_MAX 64                      /* that the disk does not give, one after the other, are bad sectors; more are a disk that is gone */
#define PACK_SCAN ((size_t)64 << 10)              /* bytes read at once while looking for the next record after damage */
#define COMPRESS_LEVEL_ZSTD 3
#define SCRYPT_LOG2_N 16                          /* of new repositories: 64 MB of memory and some 0.2 s for each guess */
#define SCRYPT_R 8
#define NOTE_NAME_MAX 64                          /* bytes */
#define SNAPSHOTS_MAX 100000                      /* of one repository */
#define PRUNE_REWRITE_PERCENT 50                  /* a pack is rewritten when more than this of it is not needed */

/* ---- runs of Troika's own (run.h) ---- */
/* What may be set smaller from outside is, by the random test, so that every edge is met often. */
#ifndef RUN_MIN
#define RUN_MIN ((size_t)32 << 10)                /* bytes of pairs: a run is not cut before it has so many */
#endif
#ifndef RUN_MAX
#define RUN_MAX ((size_t)1 << 20)                 /* ... and never has many more than these */
#endif
#ifndef RUN_CUT_KEYS
#define RUN_CUT_KEYS 64                           /* one key of so many ends a run */
#endif
#ifndef GATHER_MIN
#define GATHER_MIN ((size_t)128 << 10)            /* bytes of bodies in one chunk */
#endif
#ifndef GATHER_MAX
#define GATHER_MAX ((size_t)512 << 10)
#endif
#ifndef GATHER_CUT_BODIES
#define GATHER_CUT_BODIES 16                      /* one body of so many ends a chunk */
#endif
#ifndef PIECE_MAX
#define PIECE_MAX ((size_t)4 << 20)               /* a larger body is cut into pieces */
#endif
#ifndef TABLE_MIN
#define TABLE_MIN 1024                            /* bodies in one table */
#endif
#ifndef TABLE_MAX
#define TABLE_MAX 16384
#endif
#ifndef TABLE_CUT_BODIES
#define TABLE_CUT_BODIES 2048
#endif
#ifndef SHARED_BODIES
#define SHARED_BODIES (1u << 20)                  /* bodies put in this run that are remembered, should other accounts have them too */
#endif
#define QUEUE_SHARDS_EVER 16                      /* shards that a store may have: queue.h */
#define SHOT_MS_MAX 120000                        /* one read of all scopes is held for so long, ... */
#define SHOT_GROWTH_MAX ((uint64_t)256 << 20)     /* ... or until the index has grown by so much; the scopes that are left have moments of their own */
#define SHOT_LOOK_MS 100                          /* between two looks at its size */
#ifndef GROWTH_LOOK_PAIRS
#define GROWTH_LOOK_PAIRS 1000                    /* pairs of one scope between two looks */
#endif
#define UNREAD_NAMED ((size_t)200)               /* bytes of the names of records that could not be read */
#define DUMP_TRIES 4                              /* an account is taken again so often when a body went meanwhile, or it changed between two parts of it; then it is read in one go */
#ifndef CHECKPOINT_BYTES
#define CHECKPOINT_BYTES ((uint64_t)64 << 20)     /* a run that is killed loses at most so many bytes of bodies, ... */
#endif
#define CHECKPOINT_MS 30000                       /* ... or so much time */
#define FILES_MAX 10000                           /* files beside the store */
#define FILES_DEPTH_MAX 16
#define FILE_MAX ((uint64_t)256 << 20)            /* bytes: larger ones are left out, and that is told */
#define PATH_LENGTH_MAX 1024
#ifndef PUT_PAIRS_MAX
#define PUT_PAIRS_MAX 4000                        /* pairs put in one commit by a restore, ... */
#endif
#ifndef PUT_BYTES_MAX
#define PUT_BYTES_MAX ((size_t)4 << 20)           /* ... and their bytes */
#endif
#define COMMIT_TRIES 5                            /* a commit of unknown fate is done again so often */
#ifndef BRING_BATCH
#define BRING_BATCH 64                            /* messages brought back in one commit, ... */
#endif
#define BRING_BYTES ((size_t)32 << 20)            /* ... and octets of their bodies */
#define BRING_THREADS 7                           /* that put bodies beside the one that asked */
#ifndef BODY_CHUNKS_CACHED
#define BODY_CHUNKS_CACHED 8                      /* chunks of bodies kept in memory by who reads many */
#endif

#endif
