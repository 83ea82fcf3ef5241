/* Why an attempt came to nothing, in the terms of a delivery status (RFC 3463): plain memory, nothing to free. */
#ifndef OUTBOUND_TROUBLE_H
#define OUTBOUND_TROUBLE_H

#include "base/str.h"
#include "codec/smtp/reply.h"
#include "codec/smtp/status.h"

#include <stdbool.h>

struct trouble {
	char status[SMTP_STATUS_TEXT_MAX];        /* "4.4.1"; "": none yet */
	char remote[256];                         /* who said so; "": ourselves */
	char text[SMTP_REPLY_TEXT_MAX + 1];       /* printable ASCII */
};

static inline bool trouble_is_permanent(const struct trouble *t) { return t->status[0] == '5'; }
/* What we found ourselves. */
void trouble_set(struct trouble *t, const char *status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What `remote` answered. */
void trouble_set_reply(struct trouble *t, const struct smtp_reply *r, struct str remote);
/* Of two hosts that failed: what became of the message as a whole. As long as one might take it later, it is deferred; otherwise the
 * latest word counts. */
void trouble_merge(struct trouble *t, const struct trouble *later);

#endif
