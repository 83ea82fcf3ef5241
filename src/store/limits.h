/* Every ceiling of the store that is not part of its contract (those stand in store.h). */
#ifndef STORE_LIMITS_H
#define STORE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define STORE_READERS_MAX 1022                    /* read transactions open at once, all processes together */
#define STORE_MAP_SIZE_DEFAULT ((uint64_t)256 << 30)
#define STORE_SEGMENT_SIZE_DEFAULT ((uint64_t)256 << 20)
#define STORE_SEGMENT_SIZE_MAX ((uint64_t)32 << 30)    /* an offset is 32 bits of 16 bytes: 64 GB, and the last blob must fit */

#define STORE_COMMIT_GROUP_MAX 1024               /* closures in one transaction */
#define STORE_PUT_GROUP_MAX 512                   /* blobs under one sync */
#define STORE_BULK_BYTES ((size_t)256 << 10)      /* blobs from here on go to a segment of their own, so that small ones need not wait */
#define STORE_FILL_BYTES ((uint64_t)1 << 20)      /* a segment file is filled with zeros this far ahead */
#define STORE_BULK_GROUP_MAX 2                    /* of them under one sync */
#define STORE_TAG_BATCH 512                       /* blobs tagged or untagged by one closure */

#define STORE_MOVE_BYTES ((uint64_t)4 << 20)      /* copied under one sync when a segment is emptied */
#define STORE_GRACE_SECONDS 60                    /* a blob without tags is kept for so long */
#define STORE_SEGMENTS_MAPPED_MAX 4096            /* segment files mapped at once when no view holds them */
#define STORE_VERIFY_ONCE_BYTES ((size_t)256 << 10)   /* larger blobs, read in parts, are not checksummed for each part */
#define STORE_VERSION_SLOTS 65536                 /* scopes whose version is remembered without asking the index; a power of 2 */
#define STORE_BELL_PAUSE_MS 3                     /* news of other processes are heard at most this often */

#endif
