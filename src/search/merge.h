/* Few chunks instead of many: whenever CHUNK_FAN of about one size stand at the end, they become one, up to CHUNK_EMAILS_MAX emails. */
#ifndef SEARCH_MERGE_H
#define SEARCH_MERGE_H

#include "search/shelf.h"

/* The caller is writing. state->chunk_next is used up; the caller saves it. */
int merge_chunks(struct shelf *s, struct shelf_state *state);

#endif
