/* Deleted mail that was kept long enough (model/bin.h) goes out of the bins of all accounts. Any thread. */
#ifndef APP_BINS_H
#define APP_BINS_H

#include "model/model.h"

#include <stdbool.h>

/* now: unix seconds. Ends early, between two accounts, when stop says so (NULL: never). Logs what went and what failed. How many messages went. */
uint64_t bins_sweep(struct model *m, int64_t now, bool (*stop)(void *arg), void *arg);

#endif
