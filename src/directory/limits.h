/* Every ceiling and duration of the directory that is not part of its contract (those stand in directory.h). Fuzzers make a directory for each input
 * and bring smaller tables and fewer iterations (meson.build). */
#ifndef DIRECTORY_LIMITS_H
#define DIRECTORY_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define DIRECTORY_READ_TRIES 16               /* a read that keeps going stale is given up after so many */
#define DIRECTORY_COMMIT_TRIES 8              /* likewise a commit whose fate is unknown */

/* passwords */
#define PASSWORD_MIN 8                        /* bytes */
#define PASSWORD_PREPARED_MAX 511             /* bytes after SASLprep; libxcrypt takes 512 with the NUL */
/* RFC 7677 section 4 asks for at least 4096 and names 15,000 as 0.1 s of a 2015 desktop. The client pays: 10,000 is
 * 0.1 to 0.4 s on a cheap telephone, and the stored keys are no easier to guess from than the yescrypt hash beside them
 * would be in the hands of somebody who has the store. */
#ifndef SCRAM_ITERATIONS
#define SCRAM_ITERATIONS 10000
#endif
#define HASH_WAIT_MS ((uint64_t)10 * 1000)      /* how long a login waits for its turn to hash */

#define APP_PASSWORDS_MAX 100                 /* a user */

/* verified passwords */
#ifndef VERIFY_CACHE_SLOTS
#define VERIFY_CACHE_SLOTS 65536              /* of 40 bytes; a power of 2 */
#endif
#define VERIFY_CACHE_WAYS 4
#define VERIFY_CACHE_MS_DEFAULT ((uint64_t)5 * 60 * 1000)

/* the brake */
#ifndef BRAKE_SLOTS
#define BRAKE_SLOTS 65536                     /* networks, or accounts, remembered, of 72 bytes; a power of 2 */
#endif
#define BRAKE_WAYS 8
#define BRAKE_GUESSES 4                       /* wrong guesses remembered for each network */
#define BRAKE_LIMIT_DEFAULT 20
#define BRAKE_ACCOUNT_LIMIT_DEFAULT 50
#define BRAKE_ACCOUNT_EVERY_MS ((uint64_t)10 * 1000)      /* over that limit strangers may try once in so long */
#define BRAKE_WINDOW_MS_DEFAULT ((uint64_t)10 * 60 * 1000)

/* networks that a user has logged in from */
#define FAMILIAR_NETWORKS 16                  /* remembered, the newest */
#define FAMILIAR_DAYS 90                      /* so long */
#define FAMILIAR_RENEW_DAYS 7                 /* a login from one is written down at most so often */

#endif
