/* What a HELO name gives away. RFC 5321 4.1.4 forbids refusing mail because of it alone, so these are points. Pure; any thread. */
#ifndef GUARD_HELO_H
#define GUARD_HELO_H

#include "base/str.h"

/* 0: nothing is wrong; else points, and what it is in *why_out (static). ours: our host name. */
int helo_points(struct str name, struct str ours, const char **why_out);

#endif
