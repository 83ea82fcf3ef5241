/* How a policy lies in the store: doc/format/outbound.md. For this room only. Pure. */
#ifndef OUTBOUND_STS_RECORD_H
#define OUTBOUND_STS_RECORD_H

#include "base/buf.h"
#include "base/str.h"
#include "codec/smtp/sts.h"

#include <stdbool.h>
#include <stdint.h>

#define STS_KEY_PREFIX STR("Os")

struct sts_record {
	int64_t fetched;              /* unix seconds */
	int64_t used;                 /* about when it was last asked for: within a week */
	struct str id;
	struct str text;              /* the policy as it was fetched */
};
void sts_record_encode(const struct sts_record *r, struct buf *out);
/* Slices of bytes. False: not such a record. */
bool sts_record_decode(struct str bytes, struct sts_record *out);

#endif
