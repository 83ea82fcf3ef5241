/* What a data directory and a repository tell each other, so that a run knows what of former runs it may rely on. A blob's id and a scope's version mean
 * the same only along one life of a store: a copy of the directory, or one that was set back (a snapshot of the disk, a restored virtual machine), gives the same
 * ids to other bodies. So each run makes up a token, writes it into what it leaves in the repository, and afterwards into DIR/backup/NAME. A later run relies on
 * what bears the token that it finds in the directory: that was made from an earlier moment of this very life. One thread.
 *
 * NAME is the repository's own random name and, for runs of some users only, a hash of theirs. */
#ifndef BACKUP_MARKS_H
#define BACKUP_MARKS_H

#include "backup/moment.h"

#define MARKS_NAME_MAX 40
struct marks {
	char name[MARKS_NAME_MAX];            /* of the file, and of the note of an unfinished run in the repository */
	uint8_t whole[MOMENT_TOKEN];          /* of the last snapshot; zeros: none */
	uint8_t part[MOMENT_TOKEN];           /* of an unfinished run's note; zeros: none */
};
/* Finds the name (the repository gets one when it has none) and reads the file; without one, or with a damaged one, both tokens are zeros. */
int marks_read(const char *dir, struct repository *r, struct str set, struct marks *out, struct err *e);
/* Atomically, durably. */
int marks_write(const char *dir, const struct marks *m, struct err *e);
bool marks_is_set(const uint8_t token[MOMENT_TOKEN]);

#endif
