/* The base subject of a message, by which SORT and THREAD compare: RFC 5256 section 2.1, to the letter, because clients that are
 * offline compute it too. Any thread. */
#ifndef CODEC_IMAP_BASE_SUBJECT_H
#define CODEC_IMAP_BASE_SUBJECT_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

/* The base subject of a raw Subject field (encoded words are decoded here). It lies in scratch, which is overwritten. *reply_out (may
 * be NULL): the message is a reply or a forward, as "re:", "fw:", "(fwd)" or "[fwd: ]" were taken away (section 3, REFERENCES).
 * Out of memory: scratch->failed, and the empty string. */
struct str imap_base_subject(struct str subject, struct buf *scratch, bool *reply_out);

#endif
