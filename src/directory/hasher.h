/* Hashes passwords, only so many at once: each takes some 10 ms and 16 MB, and a flood of wrong ones must not take the
 * machine. Turns are given in the order in which they were asked for. Any thread; blocks while hashing, and while it waits for a turn. */
#ifndef DIRECTORY_HASHER_H
#define DIRECTORY_HASHER_H

#include "base/err.h"
#include "base/str.h"
#include "directory/password.h"

#include <stdbool.h>
#include <stdint.h>

struct hasher;
#define PASSWORD_HASH_MAX 384                    /* bytes with the NUL: CRYPT_OUTPUT_SIZE */
/* wait_ms: how long somebody waits for a turn. */
int hasher_create(unsigned parallel, uint64_t wait_ms, struct hasher **out);
void hasher_destroy(struct hasher **h);
/* A turn, for one hasher_check after the other, and as short as can be. 0, or ERR_TIMEOUT: none within wait_ms. */
int hasher_begin(struct hasher *h);
void hasher_end(struct hasher *h);
/* In a turn. An empty hash stands for an unknown user: a made-up one is compared at the same cost, and does not match. 0, ERR_NO_MEMORY. */
int hasher_check(struct hasher *h, const struct password *p, struct str hash, bool *match_out);
/* A new yescrypt hash under a new salt; takes a turn. 0, ERR_TIMEOUT, ERR_NO_MEMORY. */
int hasher_hash(struct hasher *h, const struct password *p, char out[PASSWORD_HASH_MAX]);

/* Is this a whole hash that crypt(3) knows, of a kind that may be imported ($y$, $6$, $5$, $2a$, $2b$, $2y$)? 0,
 * ERR_INVALID, or as hasher_hash. */
int hasher_check_import(struct hasher *h, struct str hash);

#endif
