/* What access lists and the share index have to do with each other (directory/identity.h): kept true when users and groups go, and checked. Private to cli/. */
#ifndef CLI_SHARING_H
#define CLI_SHARING_H

#include "app/house.h"

/* A user or group is no more: taken out of all lists that it stands in, so that a later one of that name is given nothing. */
int sharing_forget(struct house *h, struct str identifier);
/* An account is about to go: nobody is let in there any more. */
int sharing_withdraw(struct house *h, uint64_t account);
/* Compares the index with the lists of all accounts: who is let in somewhere and not noted is a fault; what is noted in vain is told as "note: ..." and is
 * none. repair mends both. */
int sharing_check(struct house *h, bool repair, store_report_fn *fn, void *arg, uint64_t *faults_out);

#endif
