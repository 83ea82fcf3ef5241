/* Ceilings of a conversation with an authority. */
#ifndef ACME_LIMITS_H
#define ACME_LIMITS_H

#include <stddef.h>

#define ACME_ANSWER_MAX ((size_t)1 << 20)      /* bytes of one answer */
#define ACME_URL_MAX 2048
#define ACME_NONCE_MAX 512
#define ACME_BAD_NONCE_TRIES 5                 /* RFC 8555 6.5: a refused nonce is tried again */
#define ACME_POLL_FIRST_MS 500                 /* between looks at what the authority does; doubles */
#define ACME_POLL_MAX_MS 10000
#define ACME_NAP_MS 100                        /* of waiting, between two looks whether to give up */
#define ACME_RETRY_AFTER_MAX_S 60              /* what it asks for is honoured up to this */

#endif
