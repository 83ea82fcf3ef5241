/* Message identifiers of Message-ID, In-Reply-To and References: RFC 5322 3.6.4 and 4.5.4. Any thread. */
#ifndef CODEC_MIME_MSGID_H
#define CODEC_MIME_MSGID_H

#include "base/arena.h"
#include "base/str.h"

#include <stddef.h>

/* Every <id> of the body in order, without the angle brackets, repetitions kept; phrases and comments between them are
 * skipped (RFC 5322 4.5.4). Blanks and comments inside an id go, and quoting that is not needed goes, so that equal ids
 * compare equal byte by byte (RFC 5256 2.2 needs that). Of more than MIME_MSGIDS_MAX the first ones are given.
 * Strings are slices of body or arena copies. 0 or ERR_NO_MEMORY. */
int mime_msgids_parse(struct str body, struct arena *a, struct str **out, size_t *count_out);

#endif
