/* Text of attachments that are no text, by a program of the operator's choosing. It is run as PROGRAM TYPE NAME, the attachment on its standard input, and
 * writes text in UTF-8 to its standard output; an exit code other than 0 means that there is none.
 * It runs in the porter's cage (rt/porter.h). Threads: any. */
#ifndef SEARCH_CONVERT_H
#define SEARCH_CONVERT_H

#include "base/buf.h"
#include "base/str.h"
#include "rt/porter.h"

#include <stdbool.h>

/* Is an attachment of this type ("application", "pdf") and file name worth a try? */
bool convert_wants(struct str type, struct str subtype, struct str name);
/* What the porter must know of a converter. */
struct porter_program convert_program(const char *path);
/* Adds what it wrote, at most CONVERT_OUTPUT_MAX bytes. 0, ERR_NOT_FOUND (it failed, or has no text), ERR_TIMEOUT (it was killed), ERR_IO (it could
 * not be run at all). *stop (may be NULL) set meanwhile ends it too: ERR_CLOSED. */
int convert_run(const char *program, const char *type, const char *name, struct str attachment, const _Atomic bool *stop, struct buf *out);

#endif
