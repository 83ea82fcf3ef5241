/* Every ceiling of mailauth that is not part of a contract. */
#ifndef MAILAUTH_LIMITS_H
#define MAILAUTH_LIMITS_H

#include <stddef.h>

/* SPF: RFC 7208 4.6.4 */
#define SPF_LOOKUPS_MAX 10                        /* terms that ask DNS, in a whole check */
#define SPF_VOIDS_MAX 2                           /* of these, terms that got no record */
#define SPF_MX_MAX 10                             /* hosts of one "mx"; more are a permerror */
#define SPF_PTR_MAX 10                            /* names of the client; more are ignored */
#define SPF_TERMS_MAX 1024                        /* of one record; more are a permerror */
#define SPF_EXPANSION_MAX ((size_t)64 << 10)      /* octets that a macro string may become */
#define SPF_EXPLANATION_MAX 400                   /* octets kept: one line of an SMTP reply, RFC 5321 4.5.3.1.5 */

#endif
