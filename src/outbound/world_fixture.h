/* A queue on a store in memory, a zone for the DNS, and the room at work on both; the scripted servers of test_peer.h are the world. For tests; every call fails
 * the test when it cannot. */
#ifndef OUTBOUND_WORLD_FIXTURE_H
#define OUTBOUND_WORLD_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbound/outbound.h"
#include "outbound/test_peer.h"
#include "rt/dns_zone.h"

#include <pthread.h>

#define MESSAGE "From: s@here.example\r\nSubject: test\r\n\r\nHello.\r\n"
#define WORLD_IDLE_MS 3600000        /* a session that rests is there still when the next message comes, however slow the machine is */
#define HELLO "S 220 mx ESMTP", "C EHLO us.example", "S 250-mx", "S 250 PIPELINING"
#define TAKES "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 354 go", "D", "S 250 2.0.0 taken"
#define TAKES_MORE "C MAIL", "C RCPT", "C DATA", "S 250 ok", "S 250 ok", "S 354 go", "D", "S 250 ok"

struct world {
	struct store *store;
	struct queue *queue;
	struct dns_zone *zone;
	struct outbound *outbound;
	struct arena arena;
	struct str sender;                /* s@here.example */
	/* what was handed to us as local */
	_Atomic unsigned local;
	/* reports */
	pthread_mutex_t lock;
	struct buf reports;
};

/* routes: up to four, ended by NULL. */
struct world *world_begin(const char *zone, const char *const routes[]);
void world_start(struct world *w);
void world_end(struct world *w);
/* "r@there.example" goes to there.example, what is at us.example is local. */
void submit(struct world *w, unsigned flags, const char *const recipients[]);
void submit_one(struct world *w, unsigned flags, const char *recipient);
struct outbound_stats world_stats(struct world *w);
/* Waits until that many recipients have a result. */
void wait_for(struct world *w, uint64_t n);
/* "address status reply|..." of what is in the queue. In the world's arena. */
const char *show_queue(struct world *w);
const char *port_route(char *to, size_t size, uint16_t port);

#endif
