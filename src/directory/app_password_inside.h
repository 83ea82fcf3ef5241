/* For login.c and user_change.c. */
#ifndef DIRECTORY_APP_PASSWORD_INSIDE_H
#define DIRECTORY_APP_PASSWORD_INSIDE_H

#include "directory/inside.h"

/* Is this one of the user's for that protocol? 0 with its label in the arena, ERR_NOT_FOUND (also when it does not look like one), or an error. */
int app_password_find(struct store_read *r, struct arena *a, const struct name *user, struct str password, const char *protocol, struct str *label_out);
/* What begins the keys of the user's. */
struct key app_password_keys(const struct name *user);
/* With the user. */
int app_password_forget(struct store_write *w, const struct name *user);

#endif
