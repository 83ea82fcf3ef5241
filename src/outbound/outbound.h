/* Delivery from the queue to the world: SMTP to mail exchangers and smart hosts, LMTP, files, and what is ours. Threads of its own take jobs from the
 * queue, deliver, and write down what became of each recipient. Nothing else of Troika blocks on it.
 *
 * create, start, stop and destroy belong to one thread; the rest is for any. */
#ifndef OUTBOUND_OUTBOUND_H
#define OUTBOUND_OUTBOUND_H

#include "base/err.h"
#include "base/str.h"
#include "mailauth/dkim.h"
#include "queue/queue.h"
#include "rt/dns.h"
#include "rt/net.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

struct outbound;

enum outbound_ip { OUTBOUND_IPV6_FIRST, OUTBOUND_IPV4_FIRST, OUTBOUND_IPV4_ONLY, OUTBOUND_IPV6_ONLY };

struct outbound_config {
	struct str hostname;                  /* how we greet, where no helo is set; also who we are when an MX record names us */
	struct str helo;
	const struct str *own_names;          /* other names of this host */
	size_t n_own_names;
	const struct net_endpoint *own_endpoints;         /* where this server listens for SMTP: an MX host there is ourselves */
	size_t n_own_endpoints;
	unsigned threads;                     /* at most; 0: 200 */
	unsigned concurrency;                 /* jobs at once for one destination; 0: 20 */
	unsigned per_minute;                  /* messages to one destination; 0: no limit */
	unsigned host_connections;            /* at once to one address; 0: 50 */
	uint64_t idle_ms;                     /* how long an open connection waits for more; 0: 5 s */
	enum outbound_ip ip;
	const struct str *sources;            /* source addresses; none: the kernel chooses */
	size_t n_sources;
	const struct str *routes;             /* route.h */
	size_t n_routes;
	bool no_dane, no_sts;
	struct str postmaster;                /* who notices are from, and told when one fails; empty: postmaster@hostname */
	bool tell_postmaster;
	const char *ca_file;                  /* trusted roots; NULL: the system's */
};

/* One TLS session to a policy domain, or the failure to make one: what RFC 8460 counts. Strings live for the call. */
enum tls_report_policy { TLS_REPORT_STS, TLS_REPORT_TLSA, TLS_REPORT_NONE };
struct tls_report_event {
	struct str domain;                    /* policy domain */
	enum tls_report_policy kind;
	const struct str *strings;            /* policy-string */
	size_t n_strings;
	const struct str *mx_patterns;        /* mx-host, of an STS policy */
	size_t n_mx_patterns;
	bool success;
	const char *result;                   /* RFC 8460 4.3: "starttls-not-supported" ...; NULL when success */
	struct net_addr sending, receiving;   /* all zero: not known */
	struct str mx_host;                   /* receiving-mx-hostname */
	struct str helo;                      /* receiving-mx-helo */
	struct str detail;                    /* failure-reason-code */
};

/* What the rest of Troika gives us. */
struct outbound_env {
	struct queue *queue;
	struct store *store;                  /* MTA-STS policies and warm-up counts are kept in its system scope */
	struct dns_source dns;
	/* Delivers a job for QUEUE_LOCAL: fills the result of each recipient. Strings of results: static, or in the job's arena. */
	void (*deliver_local)(void *ctx, struct queue_job *j);
	void *local_ctx;
	bool (*is_local)(void *ctx, struct str domain);           /* do we deliver for it? Lower case, A-labels */
	const struct dkim_keyring *keyring;   /* for the notices that we make; NULL: they are not signed */
	void (*tls_report)(void *ctx, const struct tls_report_event *event);      /* may be NULL; quick, any thread */
	void *report_ctx;
};

/* ERR_CONFIG: a route or an address cannot be understood. */
int outbound_create(const struct outbound_config *c, const struct outbound_env *env, struct outbound **out, struct err *e);
int outbound_start(struct outbound *o, struct err *e);
/* No new jobs; those under way have drain_ms to end, then their connections are cut (the recipients are tried again later). Also stops the queue
 * (queue_stop). Returns when all threads are gone. */
void outbound_stop(struct outbound *o, uint64_t drain_ms);
void outbound_destroy(struct outbound **o);       /* accepts NULL */
/* From the next job on. On an error all stays as it was. */
int outbound_set_config(struct outbound *o, const struct outbound_config *c, struct err *e);
/* For queue_config.limits. */
void outbound_limits(struct outbound *o, struct str destination, struct queue_limits *out);

struct outbound_stats {
	uint64_t jobs, delivered, relayed, failed, deferred;      /* all but jobs: recipients */
	uint64_t notices, local;                                  /* jobs */
	uint64_t connections, reused, tls, tls_failed;            /* sessions */
	uint64_t lost_after_data;                                 /* the peer went without an answer to the end of data: may arrive twice */
	unsigned threads, busy, idle_connections;                 /* now */
};
void outbound_stats(struct outbound *o, struct outbound_stats *out);

#endif
