#include "proto/imap/progress.h"

#include "base/clock.h"

void imap_progress(struct imap_request *r, uint64_t done, uint64_t goal)
{
	uint64_t now = clock_mono_ms(), every = r->s->config->imap_progress_ms;
	if (r->told_ms == 0)
		r->told_ms = now;
	if (every == 0 || now - r->told_ms < every)
		return;
	r->told_ms = now;
	/* RFC 9585 4: the tag is a quoted string; a tag holds nothing that needs escaping. The goal is not 0, and not less than what is done. */
	conn_printf(r->conn, "* OK [INPROGRESS (\"%.*s\" %llu %llu)] Still working\r\n", STR_ARG(r->tag),
				(unsigned long long)(done < goal ? done : goal), (unsigned long long)(goal ? goal : 1));
	conn_flush(r->conn);
}
