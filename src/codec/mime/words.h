/* RFC 2047 encoded words to UTF-8. Any thread. */
#ifndef CODEC_MIME_WORDS_H
#define CODEC_MIME_WORDS_H

#include "base/buf.h"
#include "base/str.h"

/* Decodes unstructured text or a phrase: line ends of folding go, blanks between adjacent encoded words go (RFC 2047
 * 6.2), and adjacent words of one charset are joined before conversion, since mailers split characters. A word that is
 * malformed or of an unknown charset is left as it is. Words are recognised without blanks around them too: RFC 2047 5
 * demands blanks (and by its section 8 "(=?...?=)" would be no word in a text field), but many mailers forget them, and
 * nobody writes such a thing to be read as it stands. Other bytes over 127 are read as UTF-8, else as windows-1252. The
 * result is always valid UTF-8 without CR, LF and NUL (they become spaces). */
void mime_words_decode(struct str text, struct buf *out);

#endif
