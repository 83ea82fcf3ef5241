/* Text of attachments that are no text, by a program of the operator's choosing. It is run as PROGRAM TYPE NAME, the attachment on its standard input, and
 * writes text in UTF-8 to its standard output; an exit code other than 0 means that there is none.
 *
 * It runs in a process group of its own, in an empty directory of its own, with nothing open but the three standard files and nothing in its
 * environment but PATH and TMPDIR; its CPU time, memory, file sizes and core files are limited; where the kernel lets an ordinary user do so, it has
 * no network. Whatever is left of the group is killed when it ends, when the time is up, or when enough text has come. Threads: any. */
#ifndef SEARCH_CONVERT_H
#define SEARCH_CONVERT_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

/* Is an attachment of this type ("application", "pdf") and file name worth a try? */
bool convert_wants(struct str type, struct str subtype, struct str name);
/* Adds what it wrote, at most CONVERT_OUTPUT_MAX bytes. 0, ERR_NOT_FOUND (it failed, or has no text), ERR_TIMEOUT (it was killed), ERR_IO (it could
 * not be run at all). *stop (may be NULL) set meanwhile ends it too: ERR_CLOSED. */
int convert_run(const char *program, const char *type, const char *name, struct str attachment, const _Atomic bool *stop, struct buf *out);

#endif
