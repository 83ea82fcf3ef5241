/* Every ceiling of codec/dsn. */
#ifndef CODEC_DSN_LIMITS_H
#define CODEC_DSN_LIMITS_H

#include <stddef.h>

/* writing */
#define DSN_MESSAGE_MAX ((size_t)64 << 20)      /* bytes of all that is not the original message in place */
#define DSN_VALUE_MAX 1000                      /* bytes of one field value taken from others: replies, envelope ids, addresses */
#define DSN_ADDRESS_MAX 400                     /* bytes of the address in To; paths of SMTP are shorter */
#define DSN_TEXT_RECIPIENTS_MAX 50              /* recipients told of in the text for people; the fields have all of them */
#define DSN_TEXT_VALUE_MAX 400                  /* bytes of a reply or subject there */
#define DSN_HEADER_MAX ((size_t)64 << 10)       /* bytes of the original's header when that alone is returned */

/* reading */
#define DSN_RECIPIENTS_READ_MAX 10000           /* of one report; more are ignored */

#endif
