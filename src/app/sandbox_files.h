/* Landlock (landlock(7)): which files a process may use. One thread. */
#ifndef APP_SANDBOX_FILES_H
#define APP_SANDBOX_FILES_H

#include "base/err.h"

#include <stddef.h>

enum files_use { FILES_READ, FILES_RUN /* read, list, execute */, FILES_WRITE /* all but execute */ };
struct files;
/* *out: nothing may be used yet. ERR_UNSUPPORTED: the kernel has no Landlock, or it is turned off. */
int files_begin(struct files **out);
/* A file, or a directory with all below; what does not exist is passed over. 0 or an error. */
int files_allow(struct files *f, const char *path, enum files_use use);
/* The directory that a file lies in, and the one that it leads to: it may be replaced by another one. Where that is a directory of the whole
 * system ("/", "/etc", "/tmp", ...), the file alone. */
int files_allow_around(struct files *f, const char *path, enum files_use use);
/* From now on for this thread and all that it makes; *abi_out: the version of the kernel's Landlock. Frees f in any case. Needs PR_SET_NO_NEW_PRIVS. */
int files_close(struct files **f, unsigned *abi_out);

#endif
