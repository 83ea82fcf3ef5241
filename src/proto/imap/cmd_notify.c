/* NOTIFY: RFC 5465 3.1. What it brings about is in notify.c. */
#include "proto/imap/commands.h"
#include "proto/imap/notify.h"

enum imap_result imap_cmd_notify(struct imap_request *r)
{
	struct str text = { r->args.p, (size_t)(r->args.end - r->args.p) };
	struct imap_notify_args args;
	int rc = imap_notify_args(&r->args, &args);
	if (rc == ERR_UNSUPPORTED)
		return imap_no(r, "[BADEVENT %s] Not an event of this server", imap_notify_events);
	if (rc)
		return imap_bad_args(r);
	rc = imap_notify_set(r, text);
	if (rc)
		return imap_error(r, rc, NULL);
	return imap_ok(r, "NOTIFY completed");
}
