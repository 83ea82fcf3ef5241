/* Which messages of an old mailbox are meant: by UIDs, Message-ID, or words of the subject. Private to cli/. */
#ifndef CLI_RESTORE_CHOICE_H
#define CLI_RESTORE_CHOICE_H

#include "base/rangeset.h"
#include "cli/backup_options.h"
#include "codec/mime/summary.h"
#include "model/model.h"

/* message: "5", "5,7:9" or a Message-ID with or without angle brackets; subject: a part of it, without case. Either may be NULL. fn is called for each that
 * matches, with its envelope (of nothing when the summary cannot be read). 0, ERR_INVALID, or an error. */
typedef int restore_choice_fn(void *arg, const struct message *m, const struct mime_envelope *envelope);
int restore_choose(struct account *a, uint32_t mailbox, const char *message, const char *subject, restore_choice_fn *fn, void *arg, struct err *e);

#endif
