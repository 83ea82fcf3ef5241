/* Memory for one message. How many accounts share one blob is STORE_TAGS_MAX. */
#ifndef DELIVER_LIMITS_H
#define DELIVER_LIMITS_H

#include <stddef.h>

#define DELIVER_PARSE_MEMORY_MAX ((size_t)64 << 20)      /* bytes for the parsed structure of one message */
#define DELIVER_SUMMARY_MAX ((size_t)1 << 20)            /* bytes of one summary: it becomes a value of the store */
#define GROUP_TRACE_MAX ((size_t)16 << 10)               /* bytes that arrival adds to a message (proto/smtp: SMTP_FRONT_MAX) */
#define GROUP_HEADER_MAX ((size_t)2 << 20)               /* bytes of the header that a group's message gets */

#endif
