/* The audit trail: who logged in, who was refused, what an administrator changed; for good, in files of their own, apart from the log. Any thread.
 * One line of JSON each in DIR/audit/YYYY-MM-DD.jsonl (UTC), appended whole with one write (O_APPEND), so that the server and the command line write
 * beside each other. Not synced one by one; a line that cannot be written is told in the log and never stops what it was about. No password, no token,
 * no message text ever. doc/format/audit.md. */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define AUDIT_KEEP_DAYS_MAX 36500

/* Whom the acts of this process are put down to: its user, and who logged in before becoming that. Once, before the process becomes somebody else;
 * without it whoever it is when the trail is opened. */
void audit_who(void);
/* Where the process's trail goes: once, before there are other threads. Makes DIR/audit (mode 0700). keep_days: files of days longer ago than that
 * are deleted now and when a day begins; 0: never. Before it is opened audit_login and audit_act do nothing. */
int audit_open(const char *dir, unsigned keep_days, struct err *e);
/* On a reload. */
void audit_set_keep_days(unsigned keep_days);
void audit_close(void);

struct audit_login {
	const char *protocol;             /* "imap" */
	const char *mechanism;            /* "SCRAM-SHA-256", "LOGIN", "USER", ... */
	struct str user;                  /* the user, or when refused the name as given; escaped and cut */
	struct str ip;
	struct str name;                  /* of the app password, or empty */
	bool tls;
	bool ok;
	const char *why;                  /* when not ok: "not permitted", "try again later", ...; may be NULL */
};
/* Refusals over AUDIT_REFUSALS_PER_MINUTE are counted only, and the number told in a line of its own: a flood of guesses must not fill the disk. */
void audit_login(const struct audit_login *l);

/* An act of administration. actor: the user who did it over a protocol; empty: the process ("cli:root(0)"). what: "user.add", "acl.set", "quota.set",
 * "restore", ...; object: whom or what it was about; detail: the new value in words, no secrets; both may be empty. result: 0 or the code of base/err.h
 * that it failed with. */
void audit_act(struct str actor, const char *protocol, const char *what, struct str object, struct str detail, int result);

#endif
