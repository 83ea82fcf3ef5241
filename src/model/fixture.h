/* What the tests of this room share: a store of either engine, a model on it and one account, made afresh for each
 * test. */
#ifndef MODEL_FIXTURE_H
#define MODEL_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/model.h"

#define FIXTURE_ACCOUNT 7u
#define FIXTURE_INBOX 1u

struct fixture {
	enum store_engine engine;
	char dir[64];
	struct store *store;
	struct store *plain;                          /* the same, but it never fails */
	struct model *model;
	struct model *plain_model;
	struct account *account;
	struct arena arena;
};

/* Where the linked program has its own of these, the store fails as the plan says (faults_on.c). */
const struct store_fault_plan *fixture_faults(void);
/* Does it again while the answer is one that may be different next time. Without faults such an answer is a failure. */
bool fixture_again(int rc);
#define FIXTURE_RETRY(rc, call) \
	do \
		(rc) = (call); \
	while (fixture_again(rc))
#define FIXTURE_OK(call) \
	do { \
		int fixture_rc; \
		FIXTURE_RETRY(fixture_rc, call); \
		assert_int_equal(fixture_rc, 0); \
	} while (0)

/* Runs all tests on both engines; each finds its struct fixture in *state. The number of failed ones. */
int fixture_run(const char *name, const struct CMUnitTest *tests, size_t n);
#define FIXTURE_TEST(f) { .name = #f, .test_func = (f) }

/* Closes account, model and store, and opens them again (engine lmdb only; with mem the store stays). */
void fixture_reopen(struct fixture *f);
/* Puts a blob and appends it to the mailbox; the UID. These and those below assert success. */
uint32_t fixture_append(struct fixture *f, uint32_t mailbox, const char *text, uint64_t flags);
/* n small messages that share nothing, in one commit. */
void fixture_append_many(struct fixture *f, uint32_t mailbox, unsigned n);
uint32_t fixture_mailbox(struct fixture *f, const char *name);      /* makes it; its id */
struct mailbox fixture_get(struct fixture *f, uint32_t id);
/* "1 2:s 4:sd" - UIDs with their flags, in order: s seen, a answered, f flagged, d deleted, t draft, g ghost, 0..
 * keyword bits. In the fixture's arena. */
const char *fixture_show(struct fixture *f, const struct view *v);
const char *fixture_show_mailbox(struct fixture *f, uint32_t id);
/* "1:3,5" into a set. */
struct rangeset fixture_uids(const char *text);
const char *fixture_uids_show(struct fixture *f, const struct rangeset *set);
void fixture_flags(struct fixture *f, uint32_t mailbox, const char *uids, enum flags_op op, uint64_t flags,
				   const char *keyword);
/* How many blobs the account owns. */
unsigned fixture_blobs(struct fixture *f);
/* Asserts that model_check finds nothing, not even something to note. */
void fixture_check(struct fixture *f);

#endif
