/* Which snapshots are kept. Pure; any thread. */
#ifndef BACKUP_RETENTION_H
#define BACKUP_RETENTION_H

#include "backup/repository.h"

/* The newest `last` of each set, and of the newest so many days, weeks (from Monday) and months (of UTC) in which there are any, the newest one of each. */
struct retention {
	unsigned last, daily, weekly, monthly;
};
struct retained {
	char (*ids)[SNAPSHOT_ID_MAX];
	size_t n;
};
/* Lists those to keep. fini in any case. */
int retention_choose(struct repository *r, const struct retention *rule, struct retained *out);
bool retained_has(const struct retained *k, const char *id);
void retained_fini(struct retained *k);

#endif
