/* Content-Transfer-Encoding, RFC 2045 6. Decoders are lenient (what is no code is passed over) and stream: bytes may
 * come in pieces of any size. Not for two threads at once. No allocation except into the buf given. */
#ifndef CODEC_MIME_TRANSFER_H
#define CODEC_MIME_TRANSFER_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum mime_encoding { MIME_7BIT, MIME_8BIT, MIME_BINARY, MIME_BASE64, MIME_QUOTED_PRINTABLE, MIME_ENCODING_UNKNOWN };

/* By the name in Content-Transfer-Encoding, case ignored; the empty name is 7bit. */
enum mime_encoding mime_encoding_from_name(struct str name);

/* 7bit, 8bit, binary and unknown encodings are copied. */
struct mime_decoder {
	enum mime_encoding encoding;
	bool damaged;          /* something was not as RFC 2045 wants it */
	uint8_t held_count;    /* private from here: input that waits for its continuation */
	uint8_t held[4];
	uint32_t blank_count;
	char blank[78];
};

void mime_decoder_init(struct mime_decoder *d, enum mime_encoding encoding);
void mime_decoder_feed(struct mime_decoder *d, struct str in, struct buf *out);
void mime_decoder_finish(struct mime_decoder *d, struct buf *out);
/* All at once. True when undamaged. */
bool mime_transfer_decode(enum mime_encoding encoding, struct str in, struct buf *out);

#endif
