/* Every ceiling of codec/mime. What is over a ceiling is left out of the structure and reported as a defect; it never
 * makes parsing fail, because a message that was accepted must be served. */
#ifndef CODEC_MIME_LIMITS_H
#define CODEC_MIME_LIMITS_H

#define MIME_MESSAGE_MAX ((size_t)64 << 20)    /* bytes of one message; offsets fit 32 bits */
#define MIME_DEPTH_MAX 50                      /* a part deeper than this is not taken apart */
#define MIME_PARTS_MAX 1000                    /* parts of one message, all levels together */
#define MIME_FIELDS_MAX 1000                   /* fields looked at in one header */
#define MIME_HEADER_MAX ((size_t)1 << 20)      /* bytes looked at in one header */
#define MIME_FIELD_MAX ((size_t)256 << 10)     /* bytes looked at in one field body */
#define MIME_PARAM_FIELD_MAX ((size_t)16 << 10)    /* of a field with parameters */
#define MIME_BOUNDARY_MAX 200                  /* RFC 2046 5.1.1 permits 70 */
#define MIME_PARAMS_MAX 64                     /* parameters of one field, continuation segments included */
#define MIME_ADDRESSES_MAX 4000                /* addresses and group marks of one field */
#define MIME_MSGIDS_MAX 200                    /* message-ids of one field */
#define MIME_CHARSET_NAME_MAX 40               /* bytes; RFC 2978 2.3 */

/* The stored summary. Longer strings are cut, at a character boundary when they are UTF-8. */
#define MIME_TEXT_MAX 2000                     /* bytes of one string of an envelope or a part */
#define MIME_TYPE_NAME_MAX 127                 /* bytes of type, subtype, encoding; RFC 6838 4.2 */
#define MIME_PREVIEW_MAX 200                   /* bytes of preview text; RFC 8970 5.1 permits 256 characters */
#define MIME_PREVIEW_SOURCE_MAX 32768          /* encoded bytes of the text part that are looked at for it */
#define MIME_REFERENCES_KEPT 20                /* the first and the last 19 of a longer list */
#define MIME_SUMMARY_STRINGS_MAX ((size_t)192 << 10)    /* bytes of all other strings of one summary */

#endif
