/* Where a data directory is built before it has its name. One thread. */
#ifndef BACKUP_WORKPLACE_H
#define BACKUP_WORKPLACE_H

#include "backup/limits.h"
#include "base/err.h"

struct workplace {
	const char *to;
	char path[PATH_LENGTH_MAX], store[PATH_LENGTH_MAX];      /* to.restoring; the store inside */
	int lock;                                                /* a file inside, locked; -1 */
};
/* Makes it, with the empty folders of a data directory; what a killed run left is removed first. ERR_EXISTS, ERR_BUSY. */
int workplace_open(const char *to, struct workplace *out, struct err *e);
/* Everything is on the disk, and then it has its name. */
int workplace_finish(struct workplace *w, const char *owner /* whose all becomes, NULL: it stays */, struct err *e);
/* Something failed (why, which is returned): removes it again. */
int workplace_leave(struct workplace *w, int why, struct err *e);

#endif
