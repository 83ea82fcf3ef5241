/* Charsets to UTF-8, by ICU. A converter object is for one thread and is made for a loop: it keeps the ICU converter of
 * the last charset open. */
#ifndef CODEC_MIME_CHARSET_H
#define CODEC_MIME_CHARSET_H

#include "base/buf.h"
#include "base/str.h"
#include "codec/mime/limits.h"

struct UConverter;
struct mime_charset {
	struct UConverter *from;      /* of `name`, or NULL */
	struct UConverter *utf8;
	char name[MIME_CHARSET_NAME_MAX + 1];
};
#define MIME_CHARSET_INIT { NULL, NULL, "" }

void mime_charset_fini(struct mime_charset *c);     /* usable again afterwards */

/* Adds bytes, which are in the named charset, as valid UTF-8; what cannot be converted becomes U+FFFD. An empty name
 * means us-ascii; us-ascii with bytes over 127 is read as UTF-8 if it is that, else as windows-1252, and iso-8859-1 as
 * its superset windows-1252, as web and mail clients do. 0, or ERR_UNSUPPORTED (charset unknown: nothing is added). */
int mime_charset_to_utf8(struct mime_charset *c, struct str charset, struct str bytes, struct buf *out);
/* The same for one string, without keeping anything. */
int mime_charset_convert(struct str charset, struct str bytes, struct buf *out);
/* For text of unknown charset: UTF-8 if it is that, else windows-1252. */
void mime_charset_guess(struct str bytes, struct buf *out);

#endif
