/* Deleting and bringing back, for the tests of the bin. All of them fail the test when the model does. */
#ifndef MODEL_BIN_FIXTURE_H
#define MODEL_BIN_FIXTURE_H

#include "model/fixture.h"

#define DAY 86400

/* What is deleted stays for so long, and so much of it; 0: no bound. Of both models of the fixture. */
void keep_for(struct fixture *f, int64_t seconds, uint64_t bytes, unsigned percent);
/* The account's bin, which must be there. */
struct mailbox bin_of(struct fixture *f);
void expunge_uids(struct fixture *f, uint32_t mailbox, const char *uids);
/* Back from the bin to where it came from; how many came. out: as bin_restore has it. */
uint64_t restore_uids(struct fixture *f, uint32_t origin, const char *uids, struct mailbox *out);
struct message message_at(struct fixture *f, uint32_t mailbox, uint32_t index);
void assert_body(struct fixture *f, uint32_t mailbox, uint32_t index, const char *text);

#endif
