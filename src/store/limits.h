/* Every ceiling of the store that is not part of its contract (those stand in store.h). */
#ifndef STORE_LIMITS_H
#define STORE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define STORE_READERS_MAX 1022                    /* read transactions open at once, all processes together */
#define STORE_MAP_SIZE_DEFAULT ((uint64_t)256 << 30)
#define STORE_VERSION_SLOTS 65536                 /* scopes whose version is remembered; a power of 2 */
#define STORE_COMMIT_GROUP_MAX 1024               /* closures in one transaction */
#define STORE_TRIM_GROUPS 128                     /* mapped pages are let go of after so many transactions */
#define STORE_FULL_BYTES ((uint64_t)1 << 20)      /* with less room than this a failed write failed for want of it */
#define STORE_BELL_PAUSE_MS 3                     /* news of other processes are heard at most this often */

#define STORE_SEGMENT_SIZE_DEFAULT ((uint64_t)256 << 20)
#define STORE_SEGMENT_SIZE_MAX ((uint64_t)32 << 30)   /* offsets reach to 64 GB, and the last group must fit */
#define STORE_SEGMENTS_MAPPED_MAX 4096            /* segment files mapped at once when no view holds them */
#define STORE_PUT_GROUP_MAX 512                   /* blobs under one sync */
#define STORE_BULK_BYTES ((size_t)256 << 10)      /* blobs from here on have segments of their own */
#define STORE_BULK_GROUP_MAX 2                    /* of those under one sync */
#define STORE_FILL_BYTES ((uint64_t)1 << 20)      /* a segment file is filled with zeros this far ahead */
#define STORE_VERIFY_ONCE_BYTES ((size_t)256 << 10)   /* larger blobs are read in parts: not verified for each part */

#define STORE_INSPECT_BYTES ((uint64_t)1 << 30)   /* an index up to here is looked through before it is opened */

#define STORE_DAMAGED_MAX 256                     /* damaged values that are remembered, so that each is told of once */

#define STORE_TAG_BATCH 512                       /* blobs tagged, moved or forgotten by one closure */
#define STORE_MOVE_BYTES ((uint64_t)4 << 20)      /* copied under one sync when a segment is emptied */
#define STORE_SLOW_SYNC_MS 1000                   /* a sync that takes so long is logged */
#define STORE_GRACE_SECONDS ((int64_t)60)         /* a blob without tags is kept for so long */
#define STORE_PULSE_STALE_US UINT64_C(60000000)   /* a sync that takes so long is not believed: who began it was killed */

#endif
