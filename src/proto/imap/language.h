/* The language of the texts that people read: RFC 5255 section 3. Any thread. */
#ifndef PROTO_IMAP_LANGUAGE_H
#define PROTO_IMAP_LANGUAGE_H

#include "base/buf.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/* i-default is English (RFC 2277 4.5), which is also what en speaks. */
enum imap_language { IMAP_LANGUAGE_DEFAULT, IMAP_LANGUAGE_ENGLISH, IMAP_LANGUAGE_RUSSIAN };

/* The language that a range means (RFC 4647 3.4: by cutting off subtags): 0, or ERR_NOT_FOUND. */
int imap_language_find(struct str range, enum imap_language *out);
const char *imap_language_tag(enum imap_language language);

/* The text in that language: static, or `text` itself when there is no translation. It may be a format: the conversions are the same. */
const char *imap_translate(enum imap_language language, const char *text);
/* A whole reply "OK [CODE] text", already formatted: its text in that language, if the catalogue knows it as it stands. */
void imap_translate_reply(enum imap_language language, struct buf *reply);

/* russian.c */
struct imap_translation {
	const char *english;
	const char *russian;
};
extern const struct imap_translation imap_russian[];
extern const size_t imap_russian_n;

#endif
