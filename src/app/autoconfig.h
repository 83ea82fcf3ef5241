/* The page by which mail programs set themselves up: Thunderbird's "clientConfig" 1.1 (wiki.mozilla.org, Thunderbird:Autoconfiguration:ConfigFileFormat).
 * Pure; any thread. Everything appends. */
#ifndef APP_AUTOCONFIG_H
#define APP_AUTOCONFIG_H

#include "app/config.h"
#include "base/buf.h"

/* The servers that the configuration offers to clients elsewhere, the better first; nothing when there is none for reading or none for sending. */
void autoconfig_servers(const struct app_config *c, struct buf *out);
/* The page for a domain around them. */
void autoconfig_page(struct str domain, struct str servers, struct buf *out);
/* The domain that stands in "emailaddress=" of a query, after percent-decoding; empty: none, or too long for the buffer it is put
 * into. */
struct str autoconfig_query_domain(struct str query, struct buf *decoded);

#endif
