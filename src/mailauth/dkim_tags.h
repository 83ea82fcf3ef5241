/* Tag=value lists: RFC 6376 3.2, with the UTF-8 of RFC 8616. Signatures, key records and ARC are written so, DMARC's policies nearly. Pure; any
 * thread; tags are slices of the text. */
#ifndef MAILAUTH_DKIM_TAGS_H
#define MAILAUTH_DKIM_TAGS_H

#include "base/str.h"

#include <stdbool.h>

#define DKIM_TAGS_MAX 64

struct dkim_tag {
	struct str name;
	struct str value;         /* without white space at both ends; may be empty */
	struct str room;          /* the same with it: all between '=' and ';' */
};
struct dkim_tags {
	struct dkim_tag v[DKIM_TAGS_MAX];     /* in the order of the text */
	size_t n;
};

/* False: not such a list, a name twice, or more than DKIM_TAGS_MAX. */
bool dkim_tags_parse(struct str text, struct dkim_tags *out);
/* Names compare with case. NULL when absent. */
const struct dkim_tag *dkim_tags_find(const struct dkim_tags *t, struct str name);
/* Walks a colon-separated value: false at its end. Elements come without white space around, and may be empty. Start with *rest = the value. */
bool dkim_tags_element(struct str *rest, struct str *out);
/* Is the word among the elements? With case. */
bool dkim_tags_has(struct str value, struct str word);

#endif
