/* Dates of header fields: RFC 5322 3.3 and the obsolete forms of 4.3. Any thread. */
#ifndef CODEC_MIME_DATE_H
#define CODEC_MIME_DATE_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct mime_date {
	int64_t unix_seconds;   /* since 1970-01-01T00:00:00Z; a leap second counts as the next second */
	int zone_minutes;       /* east of UTC; local time is unix_seconds + 60 * zone_minutes */
	bool zone_known;        /* false for "-0000", the single military letters, unknown and missing zones */
};

/* Comments and folding anywhere, two and three digit years, zone names, a missing day name, seconds or zone, a wrong
 * day name. 0 or ERR_INVALID (no date, or a day or time that does not exist). */
int mime_date_parse(struct str body, struct mime_date *out);
/* "Mon, 23 Nov 2026 18:54:32 +0000": RFC 5322 3.3, for fields that the server adds itself. */
void mime_date_format(int64_t unix_seconds, int zone_minutes, struct buf *out);

#endif
