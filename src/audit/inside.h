/* What the files of this room share; nobody else includes it. */
#ifndef AUDIT_INSIDE_H
#define AUDIT_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#define AUDIT_FILE_NAME sizeof("2026-11-26.jsonl")

/* Days since 1970, in UTC. */
int64_t audit_day(int64_t now_s);
void audit_file_name(int64_t day, char out[AUDIT_FILE_NAME]);
/* False: it is not exactly such a name. */
bool audit_file_day(const char *name, int64_t *day_out);

#endif
