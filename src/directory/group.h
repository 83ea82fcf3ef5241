/* Groups: addresses that stand for many, from a team of three to a mailing list of 100,000. Who is in one, who may write to it, whose mail comes back.
 * What a message to a group becomes is deliver/group's to say. Threads, names and errors as in directory.h.
 *
 * A group has its own address LIST@domain, and with it LIST-owner and LIST-request (its owners; without any: postmaster) and LIST-bounces.
 * Members are addresses, local or remote, each once; they may be aliases and other groups. */
#ifndef DIRECTORY_GROUP_H
#define DIRECTORY_GROUP_H

#include "directory/directory.h"

#define GROUP_MEMBERS_MAX 100000          /* of one group, and of its targets after all expansion */
#define GROUP_ADDRESSES_MAX 100           /* owners, and listed senders */
#define GROUP_DESCRIPTION_MAX 200         /* bytes */
#define GROUP_BOUNCES_DEFAULT 5           /* days with a bounce before a member gets no more mail */
#define GROUP_BOUNCE_DAYS_DEFAULT 10      /* without one until they are forgotten */

/* Who may write to it. Owners and listed senders always may. */
enum group_post {
	GROUP_POST_MEMBERS,
	GROUP_POST_ANYONE,
	GROUP_POST_OWNERS,
	GROUP_POST_LISTED,                    /* owners and listed senders only */
	GROUP_POST_LOCAL,                     /* users of the group's domain, logged in */
	GROUP_POST_AUTHENTICATED,             /* users of this server, logged in */
};
#define GROUP_POST_COUNT 6

struct group_settings {
	struct str description;               /* UTF-8, one line */
	const struct str *owners;             /* addresses */
	size_t n_owners;
	const struct str *senders;            /* listed senders: addresses, or "@domain" */
	size_t n_senders;
	enum group_post post;
	bool reply_to_list;                   /* Reply-To becomes the list */
	bool no_headers;                      /* a mere distribution: no List- fields */
	bool no_verp;                         /* bounces of all members come back to one address */
	bool rewrite_from;                    /* authors whose domain's DMARC policy forbids it become "Name via List" */
	uint64_t size_max;                    /* octets of a message; 0: no limit of its own */
	unsigned bounces_max, bounce_days;    /* 0: the defaults */
};
struct group {
	struct str name;                      /* canonical */
	struct group_settings settings;
	uint64_t members, disabled;           /* disabled ones are members too */
};

/* ---- what the operator does ---- */

/* ERR_EXISTS: a user, alias or group has that name. ERR_NOT_FOUND: no such domain. ERR_INVALID says what is wrong. */
int directory_group_add(struct directory *d, struct str name, const struct group_settings *s, struct err *e);
int directory_group_set(struct directory *d, struct str name, const struct group_settings *s, struct err *e);
int directory_group_del(struct directory *d, struct str name, struct err *e);
int directory_group_find(struct directory *d, struct arena *a, struct str name, struct group *out);
int directory_group_list(struct directory *d, struct arena *a, struct group **out, size_t *n_out);
int directory_group_list_sound(struct directory *d, struct arena *a, struct group **out, size_t *n_out, struct directory_damaged **damaged_out);
/* Many at once, in commits of a thousand; *changed_out: how many were not members before (or were). Who joins again is enabled again. ERR_INVALID: one
 * is no address (nothing is done); ERR_TOO_BIG: over GROUP_MEMBERS_MAX. */
int directory_group_join(struct directory *d, struct str name, const struct str *addresses, size_t n, uint64_t *changed_out, struct err *e);
int directory_group_leave(struct directory *d, struct str name, const struct str *addresses, size_t n, uint64_t *changed_out, struct err *e);
struct group_member {
	struct str address;
	bool disabled;                        /* gets no mail: too many bounces */
	unsigned bounces;                     /* days with a bounce */
	int64_t last_bounce;                  /* unix seconds; 0: none remembered */
	struct str status;                    /* its words */
};
/* In order of address; strings live for the call; what fn returns, if not 0, ends it. Of one version of the group. */
int directory_group_members(struct directory *d, struct str name, int (*fn)(void *arg, const struct group_member *m), void *arg);

/* ---- what happens to mail ---- */

/* May this sender write to the group? sender: the reverse-path (empty never may: bounces and automatic replies are for nobody's list); user: who has
 * logged in, or empty. 0, ERR_DENIED, ERR_NOT_FOUND (no such group), temporary. */
int directory_group_may_send(struct directory *d, struct str name, struct str sender, struct str user);
/* Where mail to its members goes: nested groups and aliases walked, loop-safe, each target once, disabled members left out; only accounts and
 * remote addresses. 0 (*n_out may be 0), ERR_NOT_FOUND, ERR_TOO_BIG, temporary. */
int directory_group_expand(struct directory *d, struct arena *a, struct str name, struct directory_target **out, size_t *n_out);
/* Mail to a member came back. Several on one day count once. *disabled_out: that was one too many, and from now on the member gets no more mail.
 * 0, ERR_NOT_FOUND: no such group or member. */
int directory_group_bounce(struct directory *d, struct str name, struct str member, int64_t now, struct str status, bool *disabled_out);

#endif
