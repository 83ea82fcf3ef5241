/* UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing over U+10FFFF. Any thread. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

bool utf8_is_valid(struct str s);
bool utf8_is_ascii(struct str s);
/* Reads one character at *pos and moves it; U+FFFD and one byte further for an invalid sequence. *pos < s.n. */
uint32_t utf8_next(struct str s, size_t *pos);
void utf8_add(struct buf *b, uint32_t codepoint);
/* The longest valid prefix of at most max bytes. */
struct str utf8_clip(struct str s, size_t max);

#endif
