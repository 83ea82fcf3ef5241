#include "migrate/source.h"

#include "migrate/imap_client.h"
#include "migrate/pop3_client.h"

int source_open(const struct source_setup *s, struct source **out, uint64_t *wait_ms_out, struct err *e)
{
	*out = NULL;
	*wait_ms_out = 0;
	return s->place.pop3 ? pop3_client_open(s, out, wait_ms_out, e) : imap_client_open(s, out, wait_ms_out, e);
}
