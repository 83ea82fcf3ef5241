/* What the files of this room share; nobody else includes it. */
#ifndef DIRECTORY_INSIDE_H
#define DIRECTORY_INSIDE_H

#include "directory/brake.h"
#include "directory/directory.h"
#include "directory/hasher.h"
#include "directory/limits.h"
#include "directory/name.h"
#include "directory/record.h"
#include "directory/verify_cache.h"

#include <stdbool.h>
#include <stdint.h>

struct directory {
	struct store *store;
	char separator;
	struct hasher *hasher;
	struct verify_cache *verified;
	struct brake *brake;                 /* of networks */
	struct brake *accounts;
	uint8_t made_up_key[SECRET_SIZE];
	uint8_t address_key[SECRET_SIZE];
};

static const struct store_scope DIRECTORY_SCOPE = { .kind = STORE_SYSTEM, .id = 0 };

/* Runs fn on a read of the newest version, again when it went stale. Results of fn are set anew each time. */
typedef int directory_read_fn(struct store_read *r, void *arg);
int directory_read(struct directory *d, directory_read_fn *fn, void *arg);
/* Commits. When the engine cannot tell what became of it, commits again; then the refusal `settled` (ERR_EXISTS for
 * what adds, ERR_NOT_FOUND for what deletes, 0 for what may be done twice) means that the first time did it. */
int directory_commit(struct directory *d, store_commit_fn *fn, void *arg, int settled);
/* Puts both texts of a failure that has none yet into e, and returns code. */
int directory_fail(struct err *e, int code, const char *what, struct str name);

/* Visits all pairs whose key starts with prefix, in order, until fn returns something other than 0. A value that fails its checksum ends it. */
typedef int directory_visit_fn(void *arg, struct str key, struct str value);
int directory_visit(struct store_read *r, const struct key *prefix, directory_visit_fn *fn, void *arg);

/* All records of a kind ('d', 'u', 'a') as an array in the arena, each item made by fn (and zeroed before). */
typedef int directory_item_fn(struct arena *a, struct str key, struct str value, void *item_out);
int directory_list(struct directory *d, struct arena *a, char kind, size_t item_size, directory_item_fn *fn, void **out,
				   size_t *n_out);
/* Those that can be read; the others in *damaged_out. */
int directory_list_sound(struct directory *d, struct arena *a, char kind, size_t item_size, directory_item_fn *fn, void **out, size_t *n_out,
						 struct directory_damaged **damaged_out);
/* Only those whose key starts with prefix. */
int directory_list_prefix(struct directory *d, struct arena *a, const struct key *prefix, size_t item_size, directory_item_fn *fn,
						  void **out, size_t *n_out);

/* ---- in commits ---- */

/* Adds `by` (may be negative, never below 0) to a counter; *out: the new value. */
int counter_add(struct store_write *w, struct str single, int64_t by, uint64_t *out);
/* 0: the key is there; ERR_NOT_FOUND. */
int key_exists(struct store_write *w, const struct key *k);
/* Is there any key with this prefix? 1, 0, or an error. */
int key_any(struct store_write *w, const struct key *prefix);

/* ---- users ---- */

/* A login name: an address, or a local part when there is one domain only. ERR_INVALID, ERR_NOT_FOUND (several
 * domains). */
int user_name_complete(struct store_read *r, struct str name, struct name *out);
/* The user's record; slices live as long as the read. ERR_NOT_FOUND. */
int user_read(struct store_read *r, const struct name *n, struct str *value_out, struct user_record *out);
/* A user with this record, but for its sequence, and in the same commit what `also` (may be NULL) puts. ERR_EXISTS, ERR_NOT_FOUND (the domain), ERR_INVALID. */
int user_add_record(struct directory *d, struct str name, const struct user_record *u, store_commit_fn *also, void *arg, struct err *e);
int user_describe(struct arena *a, const struct name *n, const struct user_record *u, struct directory_user *out);

#endif
