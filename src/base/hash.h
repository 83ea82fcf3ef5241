/* Hashes that protect against accident (crc32c, fnv) and against flooding (siphash). No cryptography: that is
 * OpenSSL's, in rt/. Any thread. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

#include <stdint.h>

/* CRC-32C (Castagnoli), RFC 3720 B.4; chain by passing the former result, starting with 0. Uses SSE4.2 and PCLMUL when there. */
uint32_t hash_crc32c(uint32_t crc, const void *p, size_t n);
/* Which one bit of n octets, when it flips, changes their checksum by this exclusive or: octet * 8 + bit, SIZE_MAX: none does. Takes some 10 ns an octet. Where an even
 * number of bits flipped it is always none, as the polynomial has the factor x + 1; of other damage some bit is wrongly taken 8 n times in 2^32. */
size_t hash_crc32c_bit(uint32_t difference, size_t n);
/* The same without special instructions; what hash_crc32c falls back to. */
uint32_t hash_crc32c_table(uint32_t crc, const void *p, size_t n);
/* SipHash-2-4 under a per-process random key. */
uint64_t hash_siphash(struct str s);
/* The same under a given key. */
#define HASH_SIPHASH_KEY 16
uint64_t hash_siphash_keyed(const uint8_t key[HASH_SIPHASH_KEY], struct str s);

#endif
