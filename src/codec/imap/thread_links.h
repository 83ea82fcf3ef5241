/* Steps 1 to 3 of THREAD=REFERENCES (RFC 5256 section 3): who is whose child. For thread.c only. */
#ifndef CODEC_IMAP_THREAD_LINKS_H
#define CODEC_IMAP_THREAD_LINKS_H

#include "codec/imap/thread.h"

/* For each message its parent in the pruned forest: a message; or n + k, the k-th dummy; or IMAP_THREAD_NONE for a root. Dummies are roots and
 * have two children or more. *parent_out is malloc'ed, n long. 0 or ERR_NO_MEMORY. */
int imap_thread_links(const struct imap_thread_message *message, uint32_t n, uint32_t **parent_out, uint32_t *dummies_out);

#endif
