/* Every ceiling and every duration of outbound that is not configured. */
#ifndef OUTBOUND_LIMITS_H
#define OUTBOUND_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* routes */
#define ROUTES_MAX 10000                          /* entries of the table */
#define ROUTE_TEXT_MAX 1024                       /* octets of one entry */
#define ROUTE_SOURCES_MAX 64                      /* source addresses of one entry */
#define ROUTE_SECRET_MAX 512                      /* octets of a password or a password file's line */
#define WARMUP_STEPS_MAX 64

/* where mail for a domain goes */
#define MX_HOSTS_MAX 30                           /* best ones of an MX set */
#define MX_ADDRESSES_MAX 16                       /* of one host, both families */

/* one attempt at one job */
#define RELAY_ADDRESSES_MAX 10                    /* addresses connected to */
#define RELAY_ADDRESSES_PER_HOST 4                /* of one name, so that the next one gets its turn */
#define RELAY_SESSIONS_MAX 3                      /* sessions that came as far as MAIL; RFC 5321 5.1: two addresses at least */
#define RELAY_RECIPIENTS_MAX 100                  /* of one transaction: what every server must take, RFC 5321 4.5.3.1.8 */

/* one connection */
#define CLIENT_TRANSACTIONS_MAX 500               /* then it is closed: others want a turn too */
#define CLIENT_LIFETIME_MS ((uint64_t)10 * 60000)
#define CLIENT_EHLO_MAX 100                       /* lines of an EHLO reply */
#define CLIENT_WHOLE_MAX ((size_t)64 << 10)       /* a message up to this size goes with its envelope in one write (BDAT) */
#define CLIENT_AUTH_STEPS_MAX 8

/* RFC 5321 4.5.3.2, the least that a client must wait */
#define CLIENT_CONNECT_MS ((uint64_t)30000)
#define CLIENT_GREETING_MS ((uint64_t)5 * 60000)  /* .1 */
#define CLIENT_COMMAND_MS ((uint64_t)5 * 60000)   /* .2, .3 */
#define CLIENT_DATA_MS ((uint64_t)2 * 60000)      /* .4 */
#define CLIENT_BLOCK_MS ((uint64_t)3 * 60000)     /* .5 */
#define CLIENT_END_MS ((uint64_t)10 * 60000)      /* .6 */
#define CLIENT_QUIT_MS ((uint64_t)5000)           /* nothing depends on it any more */
#define CLIENT_LEAST_RATE 1024                    /* octets a second that a peer must take of a message, beside CLIENT_END_MS */

/* hosts */
#define HOSTS_MAX 20000                           /* addresses remembered */
#define HOST_BACKOFF_MS ((uint64_t)60000)         /* one that did not answer is not asked again so soon */
#define HOST_WAIT_MS ((uint64_t)30000)            /* for another connection to the same address to end */
#define HOST_POLL_MS ((uint64_t)250)              /* ... looking now and then whether a resting one can be closed */

/* idle connections */
#define IDLE_MAX 1000

/* MTA-STS */
#define STS_FETCH_MS ((uint64_t)30000)            /* RFC 8461 3.3 suggests a minute */
#define STS_FETCH_AGAIN_S 300                     /* after a failure; RFC 8461 3.3: five minutes or longer */
#define STS_REFRESH_S 86400                       /* RFC 8461 3.3: once a day */
#define STS_FAILURES_MAX 10000                    /* domains whose failure is remembered */

/* the threads */
#define WORKER_WAIT_MS ((uint64_t)1000)           /* for a job */
#define WORKER_IN_A_ROW 20                        /* jobs of one destination that a worker prefers, then it is anybody's turn */
#define WORKER_SPARE_MS ((uint64_t)10000)         /* a worker without work for so long ends, unless it is the last */
#define OUTBOUND_THREADS_MAX 5000
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OUTBOUND_STACK ((size_t)2 << 20)          /* sanitizers make frames several times larger */
#else
#define OUTBOUND_STACK ((size_t)256 << 10)
#endif

#define DOWNGRADE_MAX ((size_t)128 << 20)         /* octets of a message made 7bit */

#endif
