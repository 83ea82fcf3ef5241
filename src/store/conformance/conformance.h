/* What every engine must do, as tests. An engine's own test program calls conformance_run, once plainly and once
 * through store_wrap_faults: the tests are written so that they live with every answer that the contract allows.
 */
#ifndef STORE_CONFORMANCE_CONFORMANCE_H
#define STORE_CONFORMANCE_CONFORMANCE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/store.h"

struct conformance_target {
	const char *name;
	enum store_engine engine;
	const struct store_fault_plan *faults;        /* NULL: none */
	uint64_t segment_size, map_size;              /* as in store_config */
	unsigned level;
};

/* Runs the whole suite; the number of failed tests. */
int conformance_run(const struct conformance_target *t);

/* ---- for the tests ---- */

/* A store of its own for each test. */
struct fixture {
	const struct conformance_target *target;
	char dir[64];
	struct store *store;
};
/* cmocka's setup and teardown: *state is the target, then the fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Opens the fixture's directory again, after store_close. */
int fixture_open(struct fixture *f, bool read_only, struct err *e);

#define CONFORMANCE_TEST(function, target) \
	{ .name = #function, .test_func = (function), .setup_func = fixture_setup, .teardown_func = fixture_teardown, \
	  .initial_state = (void *)(uintptr_t)(target) }

/* Each runs its group; the number of failed tests. */
int conformance_ordering(const struct conformance_target *t);
int conformance_isolation(const struct conformance_target *t);
int conformance_levels(const struct conformance_target *t);
int conformance_writing(const struct conformance_target *t);
int conformance_groups(const struct conformance_target *t);
int conformance_watching(const struct conformance_target *t);
int conformance_blobs(const struct conformance_target *t);
int conformance_threads(const struct conformance_target *t);

/* True for the answers after which a caller simply tries again. */
bool is_passing(int rc);
/* store_commit until it answers for good; fn must bear running after it has succeeded (ERR_UNKNOWN). */
int commit(struct store *s, struct store_scope scope, store_commit_fn *fn, void *arg);
/* These assert success. */
void put(struct store *s, struct store_scope scope, struct str key, struct str value);
void del(struct store *s, struct store_scope scope, struct str key);
void begin(struct store *s, struct store_scope scope, struct store_read **out);
store_blob_id blob_put(struct store *s, struct str bytes, const store_tag *tags, size_t n_tags);
int blob_map(struct store *s, store_blob_id id, struct store_blob_view *out);
void assert_blob(struct store *s, store_blob_id id, struct str bytes);
void assert_str(struct str got, struct str expected);
/* store_check finds nothing to tell as a fault; what it does tell is printed. */
void assert_sound(struct store *s);
/* The value of a key, or NULL when there is none; the caller frees. */
char *get(struct store *s, struct store_scope scope, struct str key, size_t *n_out);
/* The pairs of a range as text: "key=value key=value"; the caller frees. Bytes outside printable ASCII as \xx. */
char *list(struct store *s, struct store_scope scope, struct str from, struct str to, bool reverse);
/* Asserts what list() says, in both directions. `expected` is the ascending text; its words are turned round for the
 * other. */
void assert_list(struct store *s, struct store_scope scope, struct str from, struct str to, const char *expected);

#endif
