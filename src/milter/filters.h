/* All filters of a configuration, and what SMTP sessions share about them: conversations that wait for the next session, and which filter
 * cannot be reached at the moment. Any thread. Counted; sessions hold a reference. Lock: one for each filter, a leaf. */
#ifndef MILTER_FILTERS_H
#define MILTER_FILTERS_H

#include "milter/milter.h"

struct milter_filters;

/* From lines of the configuration, in the order in which filters are asked. 0, ERR_CONFIG, ERR_NO_MEMORY. */
int milter_filters_create(const struct str *lines, size_t n, struct milter_filters **out, struct err *e);
struct milter_filters *milter_filters_ref(struct milter_filters *f);      /* accepts NULL */
void milter_filters_unref(struct milter_filters **f);                     /* accepts NULL */
size_t milter_filters_count(const struct milter_filters *f);              /* 0 for NULL */
const struct milter_filter *milter_filters_at(const struct milter_filters *f, size_t i);

/* A conversation with the i-th filter, waiting or new. *new_out: it has just been opened. ERR_BUSY: it could not be reached a moment ago. */
int milter_filters_take(struct milter_filters *f, size_t i, struct milter **out, bool *new_out, struct err *e);
/* Gives a healthy one back, for the next session where the filter's settings say so; otherwise it is closed. */
void milter_filters_give(struct milter_filters *f, size_t i, struct milter **m);

#endif
