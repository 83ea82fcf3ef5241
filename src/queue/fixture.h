/* What the tests of this room share: a store of either engine with a queue on it, made afresh for each test. Nothing happens by itself:
 * fixture_tick does what the clerk would do. */
#ifndef QUEUE_FIXTURE_H
#define QUEUE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/arena.h"
#include "queue/limits.h"
#include "queue/queue_private.h"

struct fixture {
	enum store_engine engine;
	char dir[64];
	struct store *store;
	struct store *plain;                          /* the same, but it never fails */
	struct queue_config config;
	struct queue *queue;
	struct queue *plain_queue;                    /* looks on from beside, as the command line does; never fails */
	struct arena arena;
	int64_t shifted_ms;
};

/* Where the linked program has its own of these, the store fails as the plan says (faults_on.c). */
const struct store_fault_plan *fixture_faults(void);
/* Does it again while the answer is one that may be different next time. Without faults such an answer is a failure. */
bool fixture_again(int rc);
#define FIXTURE_OK(call) \
	do { \
		int fixture_rc; \
		do \
			fixture_rc = (call); \
		while (fixture_again(fixture_rc)); \
		assert_int_equal(fixture_rc, 0); \
	} while (0)

/* Runs all tests on both engines; each finds its struct fixture in *state. The number of failed ones. */
int fixture_run(const char *name, const struct CMUnitTest *tests, size_t n);
#define FIXTURE_TEST(f) { .name = #f, .test_func = (f) }

/* Another queue on the same store, as another process has it. */
struct queue *fixture_open(struct fixture *f);
void fixture_reopen(struct fixture *f);
void fixture_forward(struct fixture *f, int64_t seconds);
void fixture_tick(struct fixture *f);

/* From "sender > rcpt, rcpt=NOTIFY ..." words: an address's destination is its domain, or ":local" for example.org. These assert success. */
struct queue_submission fixture_message(struct fixture *f, const char *text);
uint64_t fixture_submit(struct fixture *f, const char *text);
/* The next job, or NULL when none is due. */
struct queue_job *fixture_take(struct fixture *f);
struct queue_job *fixture_take_of(struct fixture *f, const char *destination);
/* Gives all recipients the outcome, with a status and reply. */
void fixture_finish(struct fixture *f, struct queue_job *j, int outcome);
/* "QUEUE_DELIVER example.net: a@example.net#0 b@..." */
const char *fixture_show(struct fixture *f, const struct queue_job *j);
/* Takes it, asserts what it shows, finishes it. */
void fixture_expect(struct fixture *f, const char *shown, int outcome);
void fixture_expect_nothing(struct fixture *f);
/* Asserts that a notice is due and what it tells, and forgets it. */
void fixture_expect_notice(struct fixture *f, const char *shown);
struct queue_stats fixture_stats(struct fixture *f);
/* How many bodies the queue owns. */
unsigned fixture_blobs(struct fixture *f);
/* Asserts that the queue is empty, down to its keys, and that no body is left. */
void fixture_empty(struct fixture *f);

#endif
