/* The beginning of a message's text, for message lists: RFC 8970. Any thread. */
#ifndef CODEC_MIME_PREVIEW_H
#define CODEC_MIME_PREVIEW_H

#include "base/buf.h"
#include "codec/mime/message.h"

/* Adds at most MIME_PREVIEW_MAX bytes of UTF-8: the first text part that is no attachment, decoded, without markup,
 * every run of white space as one space. Nothing when there is no such part. Looks at no more than
 * MIME_PREVIEW_SOURCE_MAX bytes of it. */
void mime_preview_add(const struct mime_message *m, struct buf *out);

#endif
