/* Resource data off the wire into records. Pure; any thread. The bytes are foreign: whoever runs a zone chose them. */
#ifndef RT_DNS_ANSWER_H
#define RT_DNS_ANSWER_H

#include "rt/dns.h"

/* The parsed record lives in the arena; out->ttl is kept. 0, ERR_INVALID (out is as it was), ERR_NO_MEMORY. */
int dns_record_parse(struct arena *a, enum dns_type type, struct str rdata, struct dns_record *out);

#endif
