/* For the tests of this room: a directory on a fresh store of either engine. Fails the test when it cannot be made. */
#ifndef DIRECTORY_FIXTURE_H
#define DIRECTORY_FIXTURE_H

#include "directory/directory.h"

struct fixture {
	enum store_engine engine;
	char dir[32];
	struct store *store;
	struct directory *d;
	struct arena arena;
};

/* As cmocka's setup and teardown; the test's initial state points at an enum store_engine, its state is a struct
 * fixture. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Opens the directory anew on the same store. */
void fixture_reopen(struct fixture *f, const struct directory_config *c);
/* Adds users with the password "password of NAME", each under its own account; names end with NULL. */
void fixture_users(struct fixture *f, const char *const *names);

#endif
