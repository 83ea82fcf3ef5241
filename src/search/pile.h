/* The terms of the emails of a batch, gathered in memory for one field: then written in order as blocks. For one thread. */
#ifndef SEARCH_PILE_H
#define SEARCH_PILE_H

#include "base/buf.h"
#include "search/chunk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pile_term;
struct pile {
	struct buf text;                 /* of the terms, one after the other */
	struct buf terms;                /* struct pile_term */
	struct buf pairs;                /* struct pile_pair: which term, which email; emails ascend */
	uint32_t *slots;                 /* a hash table: number of a term plus 1; 0: free */
	size_t n_slots;
	bool failed;                     /* out of memory */
};
void pile_init(struct pile *p);
void pile_fini(struct pile *p);
/* Empty again; memory stays. */
void pile_reset(struct pile *p);
/* The terms of a text of the email at that place; places ascend from call to call, or stay. */
void pile_add(struct pile *p, uint32_t place, struct str text);
size_t pile_postings(const struct pile *p);
/* How many postings there were when the email began is the caller's to remember: takes back those that came since. Terms stay, which does no
 * harm: without postings they are not written. */
void pile_take_back(struct pile *p, size_t postings);
/* Sorted, into the writer. 0 or ERR_NO_MEMORY; the writer keeps its own errors. */
int pile_write(struct pile *p, struct block_writer *w);

#endif
