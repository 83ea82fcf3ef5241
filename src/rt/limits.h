/* Every ceiling and every duration of rt that is not configured. */
#ifndef RT_LIMITS_H
#define RT_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* the log */
#define LOG_LINE_MAX ((size_t)4096)               /* bytes of one line: PIPE_BUF, so that a pipe takes it whole */

/* faults */
#define FAULT_PLAN_MAX 32                         /* named faults set at one time */
#define FAULT_NAME_MAX 64

/* a spool */
#define SPOOL_BATCH ((size_t)64 << 10)            /* bytes gathered before they are written to the file */

#endif
