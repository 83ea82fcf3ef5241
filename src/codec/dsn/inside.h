/* What the files of codec/dsn share; nobody else includes it. */
#ifndef CODEC_DSN_INSIDE_H
#define CODEC_DSN_INSIDE_H

#include "codec/dsn/dsn.h"
#include "codec/smtp/status.h"

/* Is any address of it outside ASCII? */
bool dsn_is_global(const struct dsn *d);
/* The status that is told: the recipient's, or the least that the action says. */
struct smtp_status dsn_status(const struct dsn_recipient *r);
/* The second part: fields for programs, RFC 3464 2. */
void dsn_add_fields(const struct dsn *d, bool global, struct buf *out);
/* The first part: text for people. header: of the original. */
void dsn_add_text(const struct dsn *d, struct str header, struct buf *out);

#endif
