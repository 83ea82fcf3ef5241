/* CANCELUPDATE: RFC 5267 4.3.5. */
#include "proto/imap/context.h"
#include "proto/imap/limits.h"
#include "proto/imap/message_commands.h"

enum imap_result imap_cmd_cancelupdate(struct imap_request *r)
{
	struct str tag[IMAP_CONTEXTS_MAX];
	size_t n = 0, known = 0;
	do {
		if (n == IMAP_CONTEXTS_MAX)
			return imap_bad(r, "Too many tags");
		if (!imap_string(&r->args, &tag[n++]))
			return imap_bad_args(r);
	} while (imap_take(&r->args, ' '));
	if (!imap_end(&r->args))
		return imap_bad_args(r);
	for (size_t i = 0; i < n; i++)
		known += imap_context_cancel(r->s, tag[i]);
	return known ? imap_ok(r, "No further updates") : imap_bad(r, "No search of that tag is kept up to date");
}
