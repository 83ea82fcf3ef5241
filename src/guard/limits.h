/* Every ceiling and duration of guard that is not configured (the configured ones are in guard.h). */
#ifndef GUARD_LIMITS_H
#define GUARD_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* ledgers: 24 bytes for an entry */
#define LEDGER_WAYS 16                            /* entries of a bucket; a full one forgets what was touched longest ago */
#define LEDGER_FLUSH_MAX 256                      /* buckets written in one transaction */
#define GREYLIST_BUCKETS 4096                     /* 65,536 triplets and networks: 1.6 MB in memory and at most as much in the store */
#define USERS_BUCKETS 512                         /* 8,192 counts of users: four for each */
#define NETWORKS_BUCKETS 4096                     /* 65,536 counts of networks and sender domains; in memory only */

/* greylisting */
#define GREYLIST_TOUCH_S 86400u                   /* a known entry is written again at most so often */

/* block lists */
#define DNSBL_ZONES_MAX 16
#define DNSBL_CODES_MAX 32                        /* weights of one zone */
#define DNSBL_WEIGHT_MAX 1000
#define DNSBL_REST_MS ((uint64_t)60 * 1000)       /* a zone that did not answer is left alone for so long */
#define DNSBL_TEST_MS ((uint64_t)60 * 60 * 1000)  /* how often a zone is asked whether it lists everybody */
#define DNSBL_MEMORY_MAX ((size_t)256 << 10)      /* bytes of answers for one peer */

#define GUARD_TEXT_MAX 256                        /* octets of what is told to the peer */
#define GUARD_REASON_MAX 384                      /* octets of what is told to the log */

/* points of a HELO name; see helo.h */
#define HELO_POINTS_OURS 4
#define HELO_POINTS_ADDRESS 2
#define HELO_POINTS_INVALID 2
#define HELO_POINTS_LABEL 1

/* recipient probing: a network is a prober only when it knows nobody, too: more than so many unknown for each known recipient */
#define PROBE_RATIO 4
#define PROBE_WINDOW_S 3600u

#endif
