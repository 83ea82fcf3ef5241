/* Checked numbers from text. Any thread. Only digits: no sign, no space, no locale. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* The whole slice must be 1 or more digits and fit; otherwise false and *out is untouched. */
bool num_parse_u32(struct str s, uint32_t *out);
bool num_parse_u64(struct str s, uint64_t *out);
/* "10", "64k", "10M", "2G" (powers of 1024) in bytes. */
bool num_parse_size(struct str s, uint64_t *out);
/* "30", "30s", "10m", "2h", "7d" in milliseconds. */
bool num_parse_duration(struct str s, uint64_t *ms_out);
/* Decimal digits of v into dst (at least 20 bytes); returns how many. Not terminated. */
unsigned num_format_u64(char *dst, uint64_t v);

#endif
