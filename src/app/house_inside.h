/* What house.c and house_create.c share. */
#ifndef APP_HOUSE_INSIDE_H
#define APP_HOUSE_INSIDE_H

#include "app/house.h"

#define HOUSE_PATH_MAX 1024
/* In the data directory from before anything is made until all is: the domain it is made for. Whoever makes it holds a lock on it. */
#define HOUSE_UNFINISHED "unfinished"

/* 0 also when it is there. */
int house_make_dir(const char *dir, const char *name, struct err *e);
/* house_open without a look at what is there; create: the store may be new. */
int house_open_rooms(const char *dir, const struct app_config *config, bool create, struct house *out, struct err *e);

#endif
