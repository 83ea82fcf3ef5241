/* The configuration as the threads use it: an immutable snapshot, counted, replaced whole by outbound_set_config. And what is shared by all of them. */
#ifndef OUTBOUND_SETUP_H
#define OUTBOUND_SETUP_H

#include "base/arena.h"
#include "outbound/hosts.h"
#include "outbound/idle.h"
#include "outbound/mx.h"
#include "outbound/outbound.h"
#include "outbound/route.h"
#include "outbound/sts.h"
#include "outbound/warmup.h"

#include <pthread.h>
#include <stdatomic.h>

struct setup {
	atomic_uint refs;
	unsigned generation;              /* sessions of another one are not used again */
	struct arena arena;               /* owns all strings */
	struct outbound_config config;    /* with its defaults filled in */
	struct mx_self self;
	struct routes *routes;
	struct net_addr *sources;
	size_t n_sources;
};
int setup_create(const struct outbound_config *c, unsigned generation, struct setup **out, struct err *e);
void setup_unref(struct setup **s);           /* accepts NULL */

struct counters {
	_Atomic uint64_t jobs, delivered, relayed, failed, deferred, notices, local, connections, reused, tls, tls_failed, lost_after_data;
};

struct outbound {
	struct outbound_env env;
	pthread_mutex_t lock;             /* setup, the threads' numbers */
	pthread_cond_t thread_gone;
	struct setup *setup;
	struct hosts *hosts;
	struct idle *idle;
	struct sts *sts;
	struct warmup_counts *warmup;
	struct counters counters;
	_Atomic bool stopping, cancel;    /* no new jobs; connections are cut */
	unsigned threads, busy, waiting, generations;
	_Atomic uint64_t next_sweep_ms, next_refresh_ms;      /* clock_mono_ms: when idle sessions and policies are to be looked after */
};
/* A reference to the present one. */
struct setup *outbound_setup(struct outbound *o);
/* Closes a session politely or at once, and lets its host know. */
void outbound_close_client(struct outbound *o, struct client **c);

#endif
