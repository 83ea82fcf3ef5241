/* Every ceiling of the POP3 room. */
#ifndef PROTO_POP3_LIMITS_H
#define PROTO_POP3_LIMITS_H

#include <stddef.h>

/* Octets of a command line with its end. RFC 2449 section 4 wants 255; names and passwords may be 254 and 256
 * octets. */
#define POP3_LINE_MAX 1024
#define POP3_ARGS_MAX 2
#define POP3_TOLD_MAX 20                      /* refusals of one session that are logged; all are counted */
#define POP3_MEASURE_BATCH 200                /* email records in one store read */
#define POP3_READ_TRIES 16                    /* a read that keeps going stale is given up after so many */
#define POP3_LARGE_RUN ((size_t)16 << 10)     /* octets of a message that are sent from where they lie, not copied */
#define POP3_LISTING_CHECK 256                /* listing lines between two looks at the output's bound */

#endif
