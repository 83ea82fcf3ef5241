/* The value of --since. */
#ifndef CLI_SINCE_H
#define CLI_SINCE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define SINCE_FORMS "2026-11-26, 2026-11-26T15:00, or 90m, 12h, 7d ago"

/* A time in UTC, or how long ago; in milliseconds since 1970. False: it is neither. */
bool since_parse(struct str s, int64_t *ms_out);

#endif
