/* Which macros a filter is told at which stage. Pure; any thread. */
#ifndef MILTER_MACROS_H
#define MILTER_MACROS_H

#include "milter/milter.h"

/* Sendmail's lists (confMILTER_MACROS_*), which filters count on when they ask for nothing; names separated by blanks. */
struct str milter_macros_default(enum milter_stage s);
/* Appends the packet with those of the list that are defined now. list: as the filter gave it, with or without braces and commas. */
void milter_macros_put(struct buf *b, enum milter_command next, struct str list, const struct milter_macros *x);

#endif
