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
	bool *whole[2];                       /* private: of the scopes of each moment: known_look */
};
/* Without anything to rely on it is empty, and that is no error. */
int known_open(struct repository *r, const struct marks *marks, struct known *out);
void known_close(struct known *k);
/* Looks which scopes have not changed by now, and whether the repository has all that is known of them: reads much, so before a read of the store is held. */
int known_look(struct known *k, struct store *s);
/* What is known of a scope that has this version, if all of it is there: nothing must be taken again. NULL: it must. */
const struct moment_scope *known_same(const struct known *k, struct store_scope scope, uint64_t version);
/* Where its bodies are; those whose chunk is not there any more are left out. What cannot be read is as good as unknown: only ERR_NO_MEMORY comes back. */
int known_bodies(const struct known *k, struct store_scope scope, struct bodies *out);

#endif
