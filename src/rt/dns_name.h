/* Domain names between text and wire. Pure; any thread. */
#ifndef RT_DNS_NAME_H
#define RT_DNS_NAME_H

#include "base/buf.h"
#include "base/bytes.h"
#include "rt/dns.h"

#include <stdbool.h>

/* Labels of 1 to 63 octets, at most DNS_NAME_MAX in all, no final dot. The octets may be any: macros of SPF make strange names. */
bool dns_name_is_valid(struct str name);
/* The form of zone files: everything that is no letter, digit, '-' or '_' as \DDD. */
void dns_name_escape(struct str name, struct buf *out);
/* An uncompressed name off the wire, appended as text without final dot ("" for the root). False when it is malformed or holds
 * octets that no host or mail domain has (controls, space, quote, backslash, a dot within a label, above ASCII). */
bool dns_name_parse(struct cursor *c, struct buf *out);

#endif
