/* GETQUOTA and SETQUOTA: RFC 9208 section 7. For one thread. */
#ifndef CODEC_IMAP_QUOTA_ARGS_H
#define CODEC_IMAP_QUOTA_ARGS_H

#include "codec/imap/cursor.h"

#include <stdbool.h>
#include <stdint.h>

/* RFC 9208 section 5. */
enum imap_quota_resource { IMAP_QUOTA_STORAGE, IMAP_QUOTA_MESSAGE, IMAP_QUOTA_MAILBOX, IMAP_QUOTA_RESOURCES };
/* "STORAGE" and so on. */
const char *imap_quota_resource_name(enum imap_quota_resource resource);

struct imap_set_quota {
	struct str root;
	bool has[IMAP_QUOTA_RESOURCES];          /* a limit was named */
	uint64_t limit[IMAP_QUOTA_RESOURCES];    /* 63 bits; in the resource's unit (STORAGE: 1024 octets) */
	struct str unknown;                      /* a resource that is not known, the last of them; empty: none */
};

/* quota-root-name */
bool imap_get_quota_args(struct imap_cursor *c, struct str *root_out);
/* quota-root-name SP "(" [resource-name SP limit *(SP resource-name SP limit)] ")". A resource that is named twice is an error. */
bool imap_set_quota_args(struct imap_cursor *c, struct imap_set_quota *out);

#endif
