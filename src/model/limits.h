/* Every ceiling of the model that is not part of its contract (those stand in model.h). */
#ifndef MODEL_LIMITS_H
#define MODEL_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* These may be set smaller from outside: the random test does, so that every edge is met often. */
#ifndef PAGE_MESSAGES_MAX
#define PAGE_MESSAGES_MAX 128u                    /* messages in one index page; 48 at least, as version 1 has them */
#endif
#ifndef PAGE_VALUE_GOOD
#define PAGE_VALUE_GOOD 1990u                     /* bytes up to which a page is filled: two lie in a leaf of the index */
#endif
#ifndef MEMBER_PAGE_MAX
#define MEMBER_PAGE_MAX 120u                      /* memberships in one page: likewise */
#endif
#ifndef GRAVE_PAGE_MAX
#define GRAVE_PAGE_MAX 60u                         /* messages in one page of a grave: likewise */
#endif
#ifndef ORIGIN_PAGE_MAX
#define ORIGIN_PAGE_MAX 160u                      /* entries in one page of origins: likewise */
#endif
#ifndef THREAD_PAGE_MAX
#define THREAD_PAGE_MAX 120u                      /* Message-IDs in one page: likewise */
#endif
#ifndef LOG_RECORDS_MAX
#define LOG_RECORDS_MAX 20000u                    /* records of the change log that are kept */
#endif
#ifndef LOG_RANGES_MAX
#define LOG_RANGES_MAX 8192u                      /* UID ranges in one section; beyond it is told coarsely */
#endif
#ifndef PURGE_INLINE_MAX
#define PURGE_INLINE_MAX 1000u                    /* so many expunged messages are forgotten in the same commit */
#endif
#ifndef VIEW_REPLAY_MAX
#define VIEW_REPLAY_MAX 512u                      /* log records replayed at most before a view is rather read anew */
#endif
#ifndef SHEET_PAGES
#define SHEET_PAGES 128u                          /* pages of a view that are shared as one */
#endif

#define LOG_TRIM_STEP 64u                         /* log records trimmed together, so that not every commit pays */
#define THREAD_IDS_MAX 24u                        /* Message-IDs of one email that are looked at */
#define SUBSCRIPTIONS_MAX 20000u                  /* an account */
#define BUCKET_BYTES_MAX 65536u                   /* names whose hashes are equal, in one value */
#define PURGE_STEP_MESSAGES 2880u                 /* messages out of graves, or out of the bin, that one commit forgets */
#define BIN_LOOK 1024u                            /* messages of the bin that are not due are passed over at most, in search of some that are */
#define LEVEL_KEEPS_DELETED 2u                    /* from this level of the store on deleted mail may be kept */
#define LEVEL_KEEPS_LISTS 3u                      /* ... and the access lists and annotations of deleted mailboxes */
#define TOMBS_MAX 1000u                           /* deleted mailboxes remembered for an account; then the oldest is forgotten */
#define DELETE_STEP_KEYS 2000u                    /* keys removed in one commit of account_delete */
#define COPY_ACROSS_MAX 100000u                   /* messages copied into another account at once */
#define COPY_ACROSS_BYTES_MAX ((size_t)512 << 20) /* of their summaries meanwhile */
#define UPGRADE_LOOK 4096u                        /* records looked at in one read by an upgrade */
#define UPGRADE_STEP 64u                          /* records that one commit of an upgrade writes anew */
#define UNTAG_BATCH 4096u                         /* blob ids in one call */
#define TRANSFER_SKIP 1000000u                    /* ids passed over where some may have been given that are not known any more */
#define VIEW_CACHE_BYTES_DEFAULT ((uint64_t)256 << 20)
#define ACCOUNTS_IDLE_MAX 16384u                  /* account objects kept after the last close */
#define READ_RETRIES_MAX 100u                     /* a stale read is begun again so often */
#define COMMIT_TRIES_MAX 5u                       /* a commit of unknown fate is settled and repeated so often */

#endif
