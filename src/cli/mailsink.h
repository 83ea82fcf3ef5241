/* Mail written to disk: an mbox per mailbox (mboxrd, LF), or a Maildir++. One thread. */
#ifndef CLI_MAILSINK_H
#define CLI_MAILSINK_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct mailsink;

enum mailsink_kind { MAILSINK_MBOX, MAILSINK_MAILDIR };
/* Makes the directory path, which must not exist. */
int mailsink_create(const char *path, enum mailsink_kind kind, struct mailsink **out, struct err *e);
/* Messages that follow are of this mailbox (UTF-8 name, levels parted by '/'). */
int mailsink_mailbox(struct mailsink *s, struct str name, struct err *e);
/* Its name was too long for a file's, and is cut in mailsink_path, with a number that no other name has. */
bool mailsink_is_shortened(const struct mailsink *s);
const char *mailsink_path(const struct mailsink *s);      /* of the current mailbox; the sink's */
/* Names of the keywords by bit of flags from MESSAGE_KEYWORD_SHIFT on, for the current mailbox: the first 26 of them survive in a Maildir, as Dovecot has them. */
int mailsink_keywords(struct mailsink *s, const struct str *names, unsigned n, struct err *e);
int mailsink_message(struct mailsink *s, struct str message, uint64_t flags, int64_t date, uint32_t uid, struct err *e);
/* Flushes; an error here means that not all is on disk. Accepts NULL in *s. */
int mailsink_close(struct mailsink **s, struct err *e);

/* Appends the message as it stands in an mbox: From_ line, LF line ends, mboxrd quoting, one empty line. */
void mbox_format(struct str message, int64_t date, struct buf *out);

#endif
