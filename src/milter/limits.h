/* Every ceiling and duration of the milter client that is not configured. */
#ifndef MILTER_LIMITS_H
#define MILTER_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define MILTER_CHUNK_MAX ((size_t)65535)          /* octets of one packet's data to a filter: libmilter refuses more (MILTER_MAX_DATA_SIZE) */
#define MILTER_PACKET_MAX ((size_t)1 << 20)       /* of one packet from a filter; libmilter's own ceiling is the same 65,535 unless raised */
#define MILTER_REPLY_LINES_MAX 32                 /* of one reply code: smfi_setmlreply's limit */
#define MILTER_REPLY_MAX ((size_t)8 << 10)        /* octets of one reply code, all lines */
#define MILTER_FIELD_NAME_MAX 256                 /* octets of a field name that a filter gives */
#define MILTER_EDITS_MAX 2000                     /* modifications of one message by one filter, the body apart */
#define MILTER_FIELDS_MAX 20000                   /* header fields of a message that filters see */
#define MILTER_MACROS_MAX 64                      /* at one stage */
#define MILTER_ARGUMENTS_MAX 32                   /* ESMTP parameters of MAIL and RCPT that filters see */
#define MILTER_FILTERS_MAX 16                     /* in a chain */
#define MILTER_IDLE_MAX 32                        /* connections to one filter kept for the next SMTP session */
#define MILTER_IDLE_MS ((uint64_t)60 * 1000)      /* and for how long */
#define MILTER_REST_MS ((uint64_t)5 * 1000)       /* a filter that could not be reached is not asked again before */

/* What a filter may take for one command at most, "progress" or not. RFC 5321 4.5.3.2.6: the client waits 10 minutes after its dot. */
#define MILTER_COMMAND_MS_MAX ((uint64_t)9 * 60 * 1000)

#endif
