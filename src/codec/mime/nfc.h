/* Unicode Normalization Form C, as Net-Unicode (RFC 5198) wants it. Any thread. */
#ifndef CODEC_MIME_NFC_H
#define CODEC_MIME_NFC_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

#define NFC_INPUT_MAX 4096         /* bytes; longer strings are ERR_TOO_BIG */

/* Is it in the form already? utf8 is valid UTF-8. Longer than NFC_INPUT_MAX: true. */
bool nfc_is(struct str utf8);
/* Writes the form into room. utf8 is valid UTF-8, and may be in the room itself. 0, ERR_TOO_BIG (also when the room is too small) or
 * ERR_NO_MEMORY. */
int nfc_normalize(struct str utf8, char *room, size_t room_bytes, struct str *out);

#endif
