/* Every ceiling and every duration of what foreign servers may make us do. How large one message may be is STORE_BLOB_MAX. */
#ifndef MIGRATE_LIMITS_H
#define MIGRATE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* what a server says */
#define MIGRATE_LINE_MAX ((size_t)1 << 20)            /* bytes of one line */
#define MIGRATE_SMALL_MAX ((size_t)1 << 20)           /* bytes of a response beside the message in it */
#define MIGRATE_SKIP_MAX ((uint64_t)2 << 30)          /* bytes of a message over STORE_BLOB_MAX that are read and thrown away: beyond, the connection is given up */
#define MIGRATE_IDLE_RESPONSES_MAX 100000u            /* responses to one command that nobody asked for */
#define MIGRATE_ARENA_MAX ((size_t)4 << 20)           /* bytes that reading one response may take */
#define MIGRATE_FOLDERS_MAX 10000u                    /* folders of an account */
#define MIGRATE_FOLDERS_BYTES ((size_t)32 << 20)      /* and all that is known of them */
#define MIGRATE_MESSAGES_MAX 4000000u                 /* messages of a folder */
#define MIGRATE_ID_MAX 255u                           /* bytes of an email's identifier, RFC 8474 7 */
#define MIGRATE_UIDL_MAX 70u                          /* bytes of a POP3 message's unique id, RFC 1939 7; a longer one is taken for none */
#define MIGRATE_NUMBERED_MAX (MIGRATE_UIDL_MAX + 11u) /* the same with a number behind it */
#define MIGRATE_POP3_LINE_MAX 8192u                   /* bytes of a line that is no message's */

/* one turn */
#define MIGRATE_BATCH 64u                             /* messages asked for with one command */
#define MIGRATE_BATCH_BYTES ((uint64_t)8 << 20)       /* and what they may weigh together; a single one may be larger */
#define MIGRATE_HANDS 4u                              /* threads that parse and store the messages of a batch */
#define MIGRATE_JOBS_DEFAULT 4u
#define MIGRATE_JOBS_MAX 64u                          /* accounts at a time: each may hold two messages of STORE_BLOB_MAX */
#define MIGRATE_CONNECTIONS_DEFAULT 3u                /* of one account that comes alone; of many each has one, unless it is said otherwise */
#define MIGRATE_CONNECTIONS_MAX 16u                   /* servers allow 10 or 15 */
#define MIGRATE_TROUBLES_MAX 1000u                    /* lines of a report that tell of single messages and folders */
#define MIGRATE_TROUBLE_MAX 500u                      /* bytes of such a line; what is longer is cut */

/* time */
#define MIGRATE_TIMEOUT_MS ((uint64_t)180000)         /* without a byte from the server */
#define MIGRATE_GOODBYE_MS ((uint64_t)3000)           /* LOGOUT and QUIT */
#define MIGRATE_RETRIES_DEFAULT 6u                    /* connections in a row that brought nothing */
#define MIGRATE_BACKOFF_MS ((uint64_t)1000)           /* before the second try, then doubled */
#define MIGRATE_THROTTLED_MS ((uint64_t)10000)        /* the same for a server that asks for patience */
#define MIGRATE_BACKOFF_MAX_MS ((uint64_t)300000)

/* files */
#define MIGRATE_RECORD_MAX ((size_t)1 << 20)          /* bytes of a record of the state file */
#define MIGRATE_STATE_MAX ((uint64_t)2 << 30)         /* bytes of a state file */
#define MIGRATE_COMPACT_BYTES ((uint64_t)1 << 20)     /* a state file under this is not written anew */
#define MIGRATE_ACCOUNTS_MAX 100000u                  /* lines of a file of accounts */
#define MIGRATE_URL_MAX 2048u                         /* bytes of a source */

#endif
