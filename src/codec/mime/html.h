/* The text in HTML, for previews and for searching: not a parser to render or to trust. Any thread. */
#ifndef CODEC_MIME_HTML_H
#define CODEC_MIME_HTML_H

#include "base/buf.h"
#include "base/str.h"

/* Adds the text of html, which is valid UTF-8 and may be cut anywhere: without tags, comments, and the content of
 * head, script and style; the usual character references resolved; a space for every tag that separates words. */
void mime_html_text(struct str html, struct buf *out);

#endif
