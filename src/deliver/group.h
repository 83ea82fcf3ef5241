/* What becomes of a message to a group (directory/group.h): one submission to the queue for all its members, from an address that bounces come back to;
 * and of what comes back. Threads: any. The caller has asked directory_group_may_send, in the dialogue where that is possible. */
#ifndef DELIVER_GROUP_H
#define DELIVER_GROUP_H

#include "base/err.h"
#include "directory/group.h"
#include "mailauth/dkim.h"
#include "queue/queue.h"
#include "rt/dns.h"

struct group_env {
	struct directory *directory;
	struct queue *queue;
	struct str hostname;                  /* ours, as Authentication-Results fields have it */
	const struct dkim_keyring *keyring;   /* signs and seals for the group's domain; may be NULL */
	const struct dns_source *dns;         /* to ask for authors' DMARC policies; NULL: From is never rewritten */
};
struct group_mail {
	struct str message;                   /* with its trace fields, without Return-Path */
	struct queue_envelope envelope;       /* as it came: sender, flags, priority, user */
};

/* What stands against sending this message to that group, for a refusal in the dialogue: 0; ERR_CONFLICT: it came through the group before (5.4.6);
 * ERR_TOO_BIG: larger than the group takes (5.2.3); ERR_NOT_FOUND, temporary. */
int group_check(const struct group_env *env, struct str group, const struct group_mail *m, struct err *e);
/* Takes it on: t is a target of role DIRECTORY_GROUP or DIRECTORY_GROUP_BOUNCES. 0: durable (or there was nothing to do: no members, a bounce that
 * counts for nothing). Errors of group_check and of the queue: nothing happened. */
int group_deliver(const struct group_env *env, const struct directory_target *t, const struct group_mail *m, struct err *e);

#endif
