/* Restores of parts that were killed (backup/intent.h), for those who look: what is there may be half of what was. Private to cli/. */
#ifndef CLI_UNFINISHED_H
#define CLI_UNFINISHED_H

#include "app/house.h"

#include <stdio.h>

/* A line for each, behind `lead`. forget: what nothing is left of is forgotten; otherwise nothing is changed. */
void unfinished_tell(struct house *h, FILE *to, const char *lead, bool forget);

#endif
