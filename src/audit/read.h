/* Reading the trail back, for the command line. One thread. */
#ifndef AUDIT_READ_H
#define AUDIT_READ_H

#include "audit/line.h"

struct audit_filter {
	struct str user;                  /* the user who logged in or tried, the actor, or whom an act was about; without ASCII case; empty: any */
	struct str ip;                    /* empty: any */
	int64_t since_ms;                 /* since 1970; 0: all */
	bool failed;                      /* only what was refused or failed */
};

/* line: as it stands in the file, without its end. Anything but 0 ends the reading. */
typedef int audit_trail_fn(void *arg, const struct audit_event *event, struct str line);
/* In order of the files and the lines in them. *bad_out: lines that are none of ours (torn by a full disk). ERR_NOT_FOUND: there is no trail. */
int audit_trail_read(const char *dir, const struct audit_filter *f, audit_trail_fn *fn, void *arg, uint64_t *bad_out, struct err *e);

#endif
