/* Sorting many messages by numbers: a stable radix sort. Any thread. */
#ifndef CODEC_IMAP_ORDER_H
#define CODEC_IMAP_ORDER_H

#include <stdint.h>

/* Puts order[0 .. n-1], which names indexes of key, into ascending order of their keys; equal ones stay as they stand, so that a sort by
 * several criteria is several calls, the least important first. 0 or ERR_NO_MEMORY (then order is as it was). */
int imap_order(const uint64_t *key, uint32_t *order, uint32_t n);
/* A signed number as a key. */
static inline uint64_t imap_order_key(int64_t v) { return (uint64_t)v ^ (UINT64_C(1) << 63); }

#endif
