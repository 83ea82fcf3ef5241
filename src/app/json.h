/* A JSON string into a buffer (RFC 8259 7). Any thread. */
#ifndef APP_JSON_H
#define APP_JSON_H

#include "base/buf.h"

/* Quoted and escaped; what is no UTF-8 becomes U+FFFD. */
void json_add_str(struct buf *b, struct str s);
/* "name":"value" and "name":123, with a comma before unless the last octet opens something. */
void json_add_member(struct buf *b, const char *name, struct str value);
void json_add_number(struct buf *b, const char *name, int64_t value);
void json_add_bool(struct buf *b, const char *name, bool value);
/* "name": and the comma, for what is put together by the caller. */
void json_add_name(struct buf *b, const char *name);
/* A comma, unless the last octet opens something. */
void json_add_comma(struct buf *b);

#endif
