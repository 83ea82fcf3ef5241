/* What URLFETCH, GENURLAUTH and RESETKEY ask for: RFC 4467 9, RFC 5524 5. For one thread. */
#ifndef CODEC_IMAP_URL_ARGS_H
#define CODEC_IMAP_URL_ARGS_H

#include "codec/imap/cursor.h"

#include <stdbool.h>
#include <stddef.h>

/* Bits; none: the answer is the octets alone, as RFC 4467 has it. */
enum imap_urlfetch_item {
	IMAP_URLFETCH_BODY = 1,
	IMAP_URLFETCH_BINARY = 2,            /* never with BODY */
	IMAP_URLFETCH_STRUCTURE = 4,         /* BODYPARTSTRUCTURE */
};
struct imap_urlfetch {
	struct str url;
	unsigned items;
};
/* 1*(SP url-fetch-arg), without the first SP; to the end. */
bool imap_urlfetch_args(struct imap_cursor *c, struct imap_urlfetch **out, size_t *n_out);

struct imap_genurlauth {
	struct str url, mechanism;
};
/* 1*(SP url-rump SP mechanism), without the first SP; to the end. */
bool imap_genurlauth_args(struct imap_cursor *c, struct imap_genurlauth **out, size_t *n_out);

/* mailbox *(SP mechanism); to the end. *only_internal_out: no other mechanism is named. */
bool imap_resetkey_args(struct imap_cursor *c, struct str *mailbox_out, bool *only_internal_out);

#endif
