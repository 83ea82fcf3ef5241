/* Which files a process of ours may use, by Landlock. Once in a process, one thread. */
#ifndef APP_SANDBOX_SCOPE_H
#define APP_SANDBOX_SCOPE_H

#include "app/config.h"
#include "base/err.h"

/* The directories of the data directory that the server writes to, made where they are missing: nothing can be made beside them afterwards. */
int scope_make_rooms(const char *dir, const struct app_config *c, struct err *e);
/* config_file: NULL for the one in dir. *abi_out: the version of the kernel's Landlock, or 0: it has none, and nothing is closed. */
int scope_close_server(const char *dir, const char *config_file, const struct app_config *c, unsigned *abi_out);
/* dir: that it may write to. */
int scope_close_converter(const char *program, const char *dir);

#endif
