/* Every ceiling and every duration of rt that is not configured. */
#ifndef RT_LIMITS_H
#define RT_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* the log */
#define LOG_LINE_MAX ((size_t)4096)               /* bytes of one line: PIPE_BUF, so that a pipe takes it whole */
#define LOG_FIELDS_MAX 32                         /* fields of one conn_log line, ours included */

/* metrics */
#define METRIC_COLLECTORS_MAX 64                 /* functions that add figures when somebody looks */

/* faults */
#define FAULT_PLAN_MAX 32                         /* named faults set at one time */
#define FAULT_NAME_MAX 64

/* a spool */
#define SPOOL_BATCH ((size_t)64 << 10)            /* bytes gathered before they are written to the file */

/* TLS */
#define TLS_CHALLENGES_MAX 1000                   /* names being proven at one time */
#define TLS_CHAIN_MAX 32                          /* certificates read from one file */

/* the server */
#define SERVER_LISTENERS_MAX 64
#define SERVER_JOBS_MAX 32                        /* server_every */
#define SERVER_FILES_KEPT 1024                    /* descriptors that connections must leave to everybody else */
#define SERVER_KILL_MS 250                        /* how often a blocked write looks whether it should give up */
#define LISTEN_BACKLOG 1024
#define LISTEN_BATCH 64                           /* connections accepted before the listener goes to the next worker */

#define DRAIN_TELL_MS 5000                        /* how often a drain says what it waits for */

/* a worker */
#define WORKER_IN ((size_t)64 << 10)              /* bytes read at once */
#define WORKER_OUT_KEPT ((size_t)512 << 10)       /* an output buffer that grew beyond this is not kept */
#define WORKER_RETRY_MS 250                       /* until another one is tried, when one could not be started */
#define WORKER_IDLE_MS 5000                       /* a surplus worker without work for so long ends */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WORKER_STACK ((size_t)2 << 20)            /* sanitizers make frames several times larger */
#else
#define WORKER_STACK ((size_t)256 << 10)
#endif

/* looking at connections from outside */
#define CONN_WATCHERS_MAX 64                      /* connections of who watches, beyond what is configured */
#define CONN_VIEW_LOCKS 16                        /* shared by all connections, by index */

/* a connection */
#define CONN_STEPS_PER_TURN 128                   /* reads and runs of one session before others get the worker */
#define CONN_LINE_DEFAULT ((size_t)64 << 10)      /* conn_take_line before any conn_want_line */
#define CONN_LINE_HEAD 256                        /* bytes kept of a line over its limit */
#define CONN_SKIP_MAX ((uint64_t)64 << 20)        /* bytes of such a line thrown away before the connection is closed */
#define CONN_IN_COPY_MAX ((size_t)16 << 10)       /* kept input up to this moves into the worker's buffer for a turn */
#define CONN_OUT_SOFT ((size_t)64 << 10)          /* output is offered to the socket from this size on */
#define CONN_OUT_HARD ((size_t)32 << 20)          /* a session that formats more without conn_out_check is cut off */
#define CONN_LARGE_MIN ((size_t)16 << 10)         /* conn_write_large copies what is smaller */
#define CONN_HANDSHAKE_COST ((size_t)84 << 10)     /* bytes that OpenSSL allocates, measured, for a handshake under way; in memory that was used before, all of them are there */
#define SHED_HIGH(max) ((max) / 8 * 7)            /* of memory_max: from here on connections without a user go, */
#define SHED_LOW(max) ((max) / 4 * 3)             /* until so much is held, but the younger half of what they hold stays if it can */
#define SHED_PAUSE_MS 100                         /* after a look that found none */
#define SHED_WAIT_MS 2000                         /* for another thread that looks */
#define SHED_PILE_FIRST 256                       /* places for those that may go, to begin with */
#define CONN_LINGER_MS 3000                       /* after our end of stream, for the peer to read it and close */
#define CONN_LINGER_BYTES ((uint64_t)1 << 20)     /* thrown away meanwhile */

/* compression */
#define COMPRESS_LEVEL 3                          /* of zlib: fast before small */
#define COMPRESS_RAW ((size_t)16 << 10)           /* compressed bytes read at once */
#define COMPRESS_CHUNK ((size_t)64 << 10)         /* bytes compressed at once */

/* the PROXY header */
#define PROXY_V1_MAX 107                          /* proxy-protocol.txt 2.1: the line with its CRLF */
#define PROXY_HEADER_MAX 4096                     /* version 2 with its extensions */

/* a connection that we open */
#define STREAM_CONNECT_MS 30000                   /* when not given */
#define STREAM_CANCEL_MS 250                      /* how often a call that waits looks whether it should give up */
#define STREAM_TIMEOUT_MS 300000                  /* without progress, when not set: RFC 5321 4.5.3.2 */
#define STREAM_READ ((size_t)16 << 10)            /* bytes read at once */
#define STREAM_OUT ((size_t)16 << 10)             /* bytes gathered before they are sent */
#define STREAM_PRINTF_MAX ((size_t)1 << 20)       /* of one stream_printf */
#define STREAM_AHEAD_MAX ((size_t)1 << 20)        /* bytes of the peer kept while it does not take ours */

/* the resolver */
#define DNS_TIMEOUT_MS 10000                      /* of one question, when not configured */
#define DNS_CACHE_MB 16                           /* when not configured */
#define DNS_SERVERS_MAX 16                        /* forwarders */
#define DNS_PORTS "256"                           /* UDP questions on the wire at one time; more wait in the library */
#define DNS_TCP_MAX "32"                          /* TCP connections to name servers */

/* HTTP requests that we make */
#define FETCH_TIMEOUT_MS 60000                    /* of the whole, when not given */
#define FETCH_BODY_MAX ((size_t)1 << 20)          /* bytes of an answer's body, when not given */
#define FETCH_HEADERS_MAX ((size_t)64 << 10)      /* bytes of an answer's header */
#define FETCH_REDIRECTS_MAX 5                     /* where they are followed */

/* the timing wheel */
#define WHEEL_TICK_MS 100
#define WHEEL_SLOTS 1024                          /* a power of two; later deadlines are looked at once a turn */

/* programs that are started for others: porter.h */
#define PORTER_PROGRAMS_MAX 4
#define PORTER_JOBS_MAX 32                       /* at once; more wait */
#define PORTER_WORDS_MAX 8                       /* behind the path */
#define PORTER_REQUEST_MAX 4096                  /* bytes of them */
#define PORTER_LOOK_MS 200
#define PORTER_KILL_MS 5000                      /* until what was killed must be gone */
#define PORTER_NICE 10                           /* caged */
#define PORTER_FILES 64                          /* open at once, caged */

#endif
