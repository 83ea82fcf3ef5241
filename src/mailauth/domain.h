/* Domain names as values: who is below whom, how a name outside ASCII is spelled. Pure; any thread. Names are without the
 * final dot. */
#ifndef MAILAUTH_DOMAIN_H
#define MAILAUTH_DOMAIN_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

/* The same name as parent, or one below it. */
bool domain_is_within(struct str name, struct str parent);
size_t domain_label_count(struct str name);
/* The last n labels; the whole name when it has no more. */
struct str domain_last_labels(struct str name, size_t n);
/* Lower case and A-labels (RFC 5891), without a final dot. 0, ERR_INVALID (no name, one that does
 * not fit DNS, or that holds blanks or controls), ERR_NO_MEMORY. */
int domain_to_ascii(struct arena *a, struct str name, struct str *out);

#endif
