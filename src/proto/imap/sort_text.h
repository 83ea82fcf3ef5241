/* Sort keys that are strings: their ranks in i;unicode-casemap. Threads: as session.h. */
#ifndef PROTO_IMAP_SORT_TEXT_H
#define PROTO_IMAP_SORT_TEXT_H

#include "codec/imap/sort_args.h"
#include "proto/imap/command.h"

/* key_out[i]: the rank of email[i] among the n, equal strings having equal ranks. Errors as imap_sort_hits. */
int imap_sort_text_keys(struct imap_request *r, struct account *a, enum imap_sort_key by, const uint64_t *email, uint32_t n, uint64_t *key_out);

#endif
