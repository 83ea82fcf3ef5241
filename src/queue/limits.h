/* Ceilings that are not in the contract (there: QUEUE_SHARDS, QUEUE_RECIPIENTS_MAX). What a peer says is refused when too long as part of
 * an envelope, and cut when it is the reply to an attempt. Tests make some of them small. */
#ifndef QUEUE_LIMITS_H
#define QUEUE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define QUEUE_TEXT_MAX 1000u                  /* octets: an address, ENVID, ORCPT, user, peer */
#define QUEUE_DESTINATION_MAX 255u            /* octets: part of a key */
#define QUEUE_STATUS_MAX 16u                  /* octets, cut */
#define QUEUE_REPLY_MAX 1000u                 /* octets, cut */
#define QUEUE_REMOTE_MAX 255u                 /* octets, cut */

#ifndef QUEUE_GROUP_MAX
#define QUEUE_GROUP_MAX 100u                  /* recipients of one destination in one job, and in one record */
#endif
#ifndef QUEUE_NOTICE_RECIPIENTS_MAX
#define QUEUE_NOTICE_RECIPIENTS_MAX 1000u     /* told in one notice; the rest in the next */
#endif
#define QUEUE_GATHER_S 3                      /* a notice waits so long for what becomes of the message's other recipients */
#define QUEUE_OVER_S 30                       /* an expired message that is in flight is looked at again after so long */

#ifndef QUEUE_DESTINATIONS_MAX
#define QUEUE_DESTINATIONS_MAX 1000000u       /* known to memory at once, about 130 octets each; beyond that see schedule.h */
#endif
#define QUEUE_OVERFLOW_MS 60000               /* with more of them the store is looked through so often */
#ifndef QUEUE_AHEAD
#define QUEUE_AHEAD 64u                       /* entries read ahead for a destination from each shard */
#endif
#define QUEUE_CONCURRENCY 20u                 /* jobs of one destination at once, when not configured */
#define QUEUE_LIMITS_AGE_MS 30000             /* limits of a destination are asked anew after so long */
#define QUEUE_NOT_TRIED_MS 1000               /* a destination pauses after a job that came back untried, or could not be read */
#define QUEUE_UNWRITTEN_MAX 100u              /* results that could not be written; with more nothing is handed out */

#ifndef QUEUE_CLERK_BATCH
#define QUEUE_CLERK_BATCH 100u                /* messages changed in one commit by the clock and the command line */
#endif
#ifndef QUEUE_SWEEP_BATCH
#define QUEUE_SWEEP_BATCH 512u                /* bodies given back together */
#endif
#define QUEUE_PURGE_MAX 10000u                /* destinations forgotten in one round */
#define QUEUE_CONDEMNED_S 600                  /* a body that no message needs is given back after so long: its message may be on its way */
#define QUEUE_CORRUPT_S 3600                  /* what cannot be read is looked at again after so long; queue_check tells of it */
#define QUEUE_CLERK_PAUSE_MS 100              /* between two looks of the clerk */
#define QUEUE_CLERK_SLEEP_MS 10000            /* at most */
#define QUEUE_SET_BACK_MS 1000                /* the clock was set back when it lost so much on the monotonic one between two looks of the clerk */
#define QUEUE_COMMIT_TRIES 10u                /* of a commit whose fate is unknown */
#ifndef QUEUE_LIST_CHUNK
#define QUEUE_LIST_CHUNK 64u                  /* messages copied out of one snapshot */
#endif
#define QUEUE_LIST_BYTES ((size_t)1 << 20)    /* octets of them, about */

#endif
