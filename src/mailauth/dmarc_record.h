/* The text of a DMARC record: RFC 7489 6.3 and 6.4, and its successor's np=, psd=, t=. Pure; any thread. */
#ifndef MAILAUTH_DMARC_RECORD_H
#define MAILAUTH_DMARC_RECORD_H

#include "mailauth/dmarc.h"

/* Does this TXT record begin with "v=DMARC1"? */
bool dmarc_record_is_ours(struct str text);
/* Parses a record that does; domain and organization stay empty. 0; ERR_INVALID: no policy can be read from it and nobody wants reports; ERR_NO_MEMORY. */
int dmarc_record_parse(struct str text, struct arena *a, struct dmarc_record *out);

#endif
