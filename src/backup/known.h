/* What former runs left in the repository that this run may rely on (marks.h): the last snapshot of the same set, and the note of a run that did not end. One
 * thread. */
#ifndef BACKUP_KNOWN_H
#define BACKUP_KNOWN_H

#include "backup/bodies.h"
#include "backup/marks.h"

struct known {
	struct repository *repository;
	struct arena arena;
	struct moment moments[2];             /* the note's first */
	unsigned n;
	bool has_note;
};
/* Without anything to rely on it is empty, and that is no error. */
int known_open(struct repository *r, const struct marks *marks, struct known *out);
void known_close(struct known *k);
/* The newest that is known of the scope, or NULL. */
const struct moment_scope *known_scope(const struct known *k, struct store_scope scope);
/* Is all there that it names? */
bool known_is_whole(const struct known *k, const struct moment_scope *s);
/* Where its bodies are; those whose chunk is not there any more are left out. What cannot be read is as good as unknown: only ERR_NO_MEMORY comes back. */
int known_bodies(const struct known *k, struct store_scope scope, struct bodies *out);

#endif
