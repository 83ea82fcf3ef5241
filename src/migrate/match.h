/* Messages of a mailbox here that the state knows nothing of: what an import brought and could not note any more, what came another way. A message that is
 * about to be brought over is looked for among them, so that nothing is doubled. One thread. */
#ifndef MIGRATE_MATCH_H
#define MIGRATE_MATCH_H

#include "base/rangeset.h"
#include "model/model.h"

struct match;
/* noted: UIDs that the state knows. 0, ERR_NOT_FOUND: no such mailbox, or temporary. */
int match_open(struct account *a, uint32_t mailbox, const struct rangeset *noted, struct match **out);
void match_close(struct match **m);           /* accepts NULL */
size_t match_count(const struct match *m);
/* The UID of one that has exactly these octets, and (when date is not NULL) this internal date; 0: none. It is not found again. */
uint32_t match_find(struct match *m, struct str message, const int64_t *date);
/* The same for one that shows this email of the account. */
uint32_t match_find_email(struct match *m, uint64_t email);

#endif
