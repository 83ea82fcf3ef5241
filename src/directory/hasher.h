/* Hashes passwords, only so many at once: each takes some 10 ms and 16 MB, and a flood of wrong ones must not take the
 * machine. Any thread; blocks while hashing, and while it waits for its turn. */
#ifndef DIRECTORY_HASHER_H
#define DIRECTORY_HASHER_H

#include "base/err.h"
#include "base/str.h"
#include "directory/password.h"

#include <stdbool.h>

struct hasher;
#define PASSWORD_HASH_MAX 384                    /* bytes with the NUL: CRYPT_OUTPUT_SIZE */
int hasher_create(unsigned parallel, struct hasher **out);
void hasher_destroy(struct hasher **h);
/* A new yescrypt hash under a new salt. 0, ERR_BUSY (no turn within HASH_WAIT_MS), ERR_NO_MEMORY. */
int hasher_hash(struct hasher *h, const struct password *p, char out[PASSWORD_HASH_MAX]);
/* An empty hash stands for an unknown user: a made-up one is compared at the same cost, and does not match. */
int hasher_check(struct hasher *h, const struct password *p, struct str hash, bool *match_out);

/* Is this a whole hash that crypt(3) knows, of a kind that may be imported ($y$, $6$, $5$, $2a$, $2b$, $2y$)? 0,
 * ERR_INVALID, or as hasher_hash. */
int hasher_check_import(struct hasher *h, struct str hash);

#endif
