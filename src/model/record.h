/* What every stored value of the model begins with, and reading from a snapshot or from within a commit alike.
 * Header, 8 bytes: version (1 byte), two bytes of the kind's own, zero (1 byte), CRC-32C of all the rest (4 bytes). */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include "base/str.h"
#include "store/store.h"

#include <stdint.h>

#define RECORD_VERSION 1u
#define RECORD_HEADER 8u

/* Fills in version, own bytes and checksum; the n - RECORD_HEADER bytes behind the header must be there already. */
void record_seal(char *p, size_t n, uint8_t own0, uint8_t own1);
void record_seal_version(char *p, size_t n, uint8_t version, uint8_t own0, uint8_t own1);
/* 0, ERR_VERSION (written by a newer program) or ERR_CORRUPT (checksum, or fewer than n_min bytes). */
int record_check(struct str value, size_t n_min);
/* Likewise of a kind that has had several versions; *version_out is one from 1 to newest when 0 is returned. */
int record_check_version(struct str value, size_t n_min, uint8_t newest, uint8_t *version_out);
/* Whether the checksum is wrong. */
bool record_is_damaged(struct str value);
/* Puts the one bit right that has flipped since the record was sealed. False, and nothing done, when there is no such bit. Of damage to an even number of bits
 * none is ever found, as CRC-32C (RFC 3720 B.4) has the factor x + 1; of other damage one in a hundred thousand times. */
bool record_mend(char *p, size_t n);
static inline uint8_t record_own0(struct str value) { return (uint8_t)value.p[1]; }
static inline uint8_t record_own1(struct str value) { return (uint8_t)value.p[2]; }

/* One of the two is set. */
struct source {
	struct store_read *read;
	struct store_write *write;
};
static inline struct source source_read(struct store_read *r) { return (struct source){ r, NULL }; }
static inline struct source source_write(struct store_write *w) { return (struct source){ NULL, w }; }
/* As store_get and store_wget: the bytes live until the read ends, or until the next put or del of the write. */
int source_get(struct source s, struct str key, struct str *value_out);
/* As store_wfind: 1, 0, or an error. */
int source_find(struct source s, struct str from, struct str to, bool reverse, struct str *key_out,
				struct str *value_out);

#endif
