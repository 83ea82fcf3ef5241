/* The audit trail: who logged in, who was refused, what an administrator changed; for good, in files of their own, apart from the log. Any thread.
 * One line of JSON each in DIR/audit/YYYY-MM-DD.jsonl, appended whole with one write (O_APPEND), so that the server and the command line write beside each
 * other. Not synced one by one; a line that cannot be written is told in the log and never stops what it was about. No password, no token, no
 * message text ever. doc/format/audit.md. */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the process's trail goes: once, before there are other threads. keep_days: files older than that are deleted now and when a day begins;
 * 0: never. Before it is opened audit_* do nothing. */
int audit_open(const char *dir, unsigned keep_days, struct err *e);
void audit_close(void);

struct audit_login {
	const char *protocol;             /* "imap" */
	const char *mechanism;            /* "SCRAM-SHA-256", "LOGIN", "app password", ... */
	struct str user;                  /* as given, escaped and cut */
	struct str ip;
	struct str name;                  /* app password's name, certificate's subject, or empty */
	bool tls;
	bool ok;
	const char *why;                  /* when not ok: "denied", "busy", "no tls", ...; may be NULL */
};
void audit_login(const struct audit_login *l);

/* An act of administration: actor is "cli:root(uid)" by the command line (actor empty: made of the process), or the user who did it over a protocol. what:
 * "user.add", "acl.set", "quota.set", "restore", ...; object: whom it was about; detail: new value in words, no secrets; may be empty. */
void audit_act(struct str actor, const char *protocol, const char *what, struct str object, struct str detail, int result);

#endif
