/* Bodies from the store into the repository: of those that a scope names, the ones that the repository does not have yet. One thread. */
#ifndef BACKUP_COPIER_H
#define BACKUP_COPIER_H

#include "backup/bodies.h"
#include "backup/dump.h"
#include "backup/known.h"
#include "backup/pace.h"

struct shared_body;
struct copier {
	struct store *store;
	struct repository *repository;
	const struct known *known;
	struct pace *pace;
	struct shared_body *shared;           /* private; copier_fini frees */
	uint64_t bodies_read, bytes_read;     /* counted up */
	uint64_t bytes_unsaved;               /* since save was called; the caller may set it to 0 */
	/* Called now and then: what was copied so far may be written down. 0, or an error that ends it. */
	int (*save)(void *arg, const struct bodies *so_far);
	void (*tell)(void *arg, store_blob_id blob, int rc);      /* a body cannot be read */
	void (*progress)(void *arg, uint64_t bodies);             /* so many of the scope are done */
	void *arg;
};
struct copied {
	struct bodies bodies;
	uint64_t gone, lost;                  /* not there any more; there and not to be read */
	uint64_t bytes;
};
/* Bodies that are gone or lost are not in the result. Told are the lost ones, and with tell_gone those too. copied_fini in any case. */
int copier_take(struct copier *c, struct store_scope scope, const struct blob_ids *blobs, bool tell_gone, struct copied *out);
void copied_fini(struct copied *c);
void copier_fini(struct copier *c);

#endif
