/* Defence against abuse: what is to be done about a peer, its sender, its recipients, by what is known of it. Decisions over time, with bounded
 * memory; nothing here knows a protocol or a socket but the resolver it is given.
 *
 * Threads: any; one visit belongs to one thread at a time. May block for DNS (block lists, once a visit, at the first recipient). Errors: none are
 * told to the caller: what cannot be known counts as good. Durable (doc/format/guard.md): who passed greylisting, how much users have sent. */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include "base/err.h"
#include "base/str.h"
#include "guard/limits.h"
#include "rt/dns.h"
#include "rt/net.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct guard;

/* Every number 0: that defence is off. "Network": the /24 of an IPv4 address, the /64 of an IPv6 address. */
struct guard_config {
	struct str hostname;                     /* ours */
	struct str exempt;                       /* networks that nothing but users' limits is asked of (for network_list_has) */
	/* points, and what follows from them */
	const struct str *dnsbl;                 /* lines for dnsbl_parse */
	size_t n_dnsbl;
	uint64_t dnsbl_limit_ms;                 /* for all lists together */
	bool helo;                               /* a strange HELO name costs points, too */
	unsigned junk_points, reject_points, tarpit_points;
	uint64_t tarpit_ms;                      /* each answer comes so much later */
	/* greylisting */
	bool greylist;
	unsigned greylist_points;                /* only for peers with at least so many points */
	bool greylist_spf;                       /* also where SPF passes */
	uint64_t greylist_delay_ms, greylist_window_ms, greylist_life_ms;
	unsigned greylist_known_after;           /* passed triplets until a network is known */
	/* of one network */
	unsigned connections;                    /* at once */
	unsigned connections_per_minute;
	unsigned messages_per_hour, recipients_per_hour;
	unsigned unknown_slow, unknown_max;      /* unknown recipients in an hour until answers are late; until it is turned away */
	/* of one sender domain, and one user */
	unsigned domain_messages_per_hour;
	unsigned user_messages_per_hour, user_messages_per_day, user_recipients_per_hour, user_recipients_per_day;
};

/* store and dns must outlive it. ERR_CONFIG: a line of dnsbl. */
int guard_open(struct store *s, const struct dns_source *dns, const struct guard_config *c, struct guard **out, struct err *e);
/* Writes what is not written yet. No visits may be left. Accepts NULL. */
void guard_close(struct guard **g);
/* For visits that begin from now on. On failure the former one stays. */
int guard_set_config(struct guard *g, const struct guard_config *c, struct err *e);
/* Once a minute: writes what changed; forgets what is old. 0, or why the store would not take it. */
int guard_tick(struct guard *g, int64_t now);

enum guard_decision { GUARD_PASS, GUARD_REFUSE, GUARD_JUNK };
struct guard_verdict {
	enum guard_decision decision;
	unsigned code;                           /* GUARD_REFUSE: 421, 450, 451 or 550 */
	const char *enhanced;
	char text[GUARD_TEXT_MAX];               /* printable ASCII */
	uint64_t delay_ms;                       /* the answer, whichever, had better come so much later */
	char reason[GUARD_REASON_MAX];           /* for the log; empty: nothing to tell */
};

/* One SMTP session's peer. */
struct guard_visit;

/* Also counts it: guard_leave in any case, when *visit_out is not NULL (it is NULL when there is no memory: then all is well). */
void guard_connect(struct guard *g, const struct net_addr *peer, struct guard_visit **visit_out, struct guard_verdict *out);
void guard_leave(struct guard_visit **v);        /* accepts NULL */
/* All of these accept a NULL visit, and pass. user: who has logged in; then only users' limits count. Empty: nobody. */
void guard_helo(struct guard_visit *v, struct str name, struct guard_verdict *out);
void guard_mail(struct guard_visit *v, struct str sender, struct str user, struct guard_verdict *out);
struct guard_recipient {
	struct str sender, address, user;
	/* Does SPF pass for this sender? Asked only where it matters; may be NULL: no. */
	bool (*spf_passes)(void *ctx);
	void *ctx;
};
/* A recipient that exists. postmaster@ and abuse@ are always reached (RFC 5321 4.5.1, RFC 2142). */
void guard_rcpt(struct guard_visit *v, const struct guard_recipient *r, struct guard_verdict *out);
/* One that does not. With GUARD_PASS the usual answer. */
void guard_unknown_rcpt(struct guard_visit *v, struct guard_verdict *out);
/* The message is whole, and counts. Refuses what comes over a limit by now, though MAIL was let through. */
void guard_message(struct guard_visit *v, struct str sender, struct str user, struct guard_verdict *out);
/* For a header field or the log. */
int guard_points(const struct guard_visit *v);

struct guard_stats { uint64_t greylisted, listed, rated, probed, crowded; size_t known; };
void guard_stats(struct guard *g, struct guard_stats *out);

#endif
