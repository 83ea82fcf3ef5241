/* Who owns a connection: one atomic word. Whoever moves it out of PARKED runs it; everybody else leaves a note that the
 * owner must read before it can park again. So no session runs twice at once and no wake is lost, without a lock. Any thread.
 *
 *             conn_state_post(.., RUNNING)            conn_state_close
 *   PARKED ------------------------------> RUNNING ------------------> CLOSED
 *     |  ^-------- conn_state_park ----------|  ^
 *     |  (only without unread news)          |  |
 *     |                     conn_state_queue |  | conn_state_run
 *     +--- conn_state_post(.., QUEUED) --> QUEUED
 *
 * The upper half of the word is the generation: memory of connections is never given back, only used again, so a late
 * event of an old connection finds another generation and is dropped. */
#ifndef RT_CONN_STATE_H
#define RT_CONN_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum conn_phase { CONN_CLOSED, CONN_PARKED, CONN_QUEUED, CONN_RUNNING };

#define NEWS_IN 0x010u           /* epoll: readable */
#define NEWS_OUT 0x020u          /* epoll: writable */
#define NEWS_END 0x040u          /* epoll: the peer has sent its end of stream */
#define NEWS_HANGUP 0x080u       /* epoll: broken */
#define NEWS_WAKE 0x100u         /* conn_wake */
#define NEWS_TIMEOUT 0x200u      /* the wheel */
#define NEWS_DRAIN 0x400u        /* the server goes down */
#define NEWS_KILL 0x800u         /* ... now */
#define NEWS_SHED 0x1000u        /* memory is short: conn_shed.h */
#define NEWS_EPOLL (NEWS_IN | NEWS_OUT | NEWS_END | NEWS_HANGUP)
#define NEWS_ALL 0x1ff0u

enum post { POST_GONE, POST_NOTED, POST_OWNED };

struct conn_state { _Atomic uint64_t word; };

/* A new life with the next generation, in that phase. Only for memory that nobody uses. */
void conn_state_open(struct conn_state *s, enum conn_phase phase);
uint32_t conn_state_generation(const struct conn_state *s);
/* Leaves news. POST_OWNED: it was parked, is now in that phase, and the caller must see to it. POST_GONE: closed, or
 * another generation. */
enum post conn_state_post(struct conn_state *s, uint32_t generation, uint32_t news, enum conn_phase phase);
/* True when that news has been left and not yet taken. */
bool conn_state_has(const struct conn_state *s, uint32_t news);

bool conn_state_is_running(const struct conn_state *s);

/* For the owner only. */
uint32_t conn_state_take(struct conn_state *s);          /* all news; they are gone then */
bool conn_state_park(struct conn_state *s);              /* false: there is news, go on */
void conn_state_queue(struct conn_state *s);             /* RUNNING -> QUEUED, news stay */
void conn_state_run(struct conn_state *s);               /* QUEUED -> RUNNING, news stay */
void conn_state_close(struct conn_state *s);

#endif
