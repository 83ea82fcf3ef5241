/* Every ceiling of mailauth that is not part of a contract. */
#ifndef MAILAUTH_LIMITS_H
#define MAILAUTH_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/* SPF: RFC 7208 4.6.4 */
#define SPF_LOOKUPS_MAX 10                        /* terms that ask DNS, in a whole check */
#define SPF_VOIDS_MAX 2                           /* of these, terms that got no record */
#define SPF_MX_MAX 10                             /* hosts of one "mx"; more are a permerror */
#define SPF_PTR_MAX 10                            /* names of the client; more are ignored */
#define SPF_TERMS_MAX 1024                        /* of one record; more are a permerror */
#define SPF_EXPANSION_MAX ((size_t)64 << 10)      /* octets that a macro string may become */
#define SPF_EXPLANATION_MAX 400                   /* octets kept: one line of an SMTP reply, RFC 5321 4.5.3.1.5 */

/* DKIM and ARC */
#define DKIM_FIELDS_MAX 10000                     /* fields of a message; with more, nothing about it can be said */
#define DKIM_SIGNATURE_MAX ((size_t)64 << 10)     /* octets of one signature field */
#define DKIM_NAMES_MAX ((size_t)32 << 10)         /* octets of h= that we write; folding adds its own */
#define DKIM_BODY_HASHES_MAX 8                    /* different c= and l= of one message */
#define DKIM_RECORDS_MAX 8                        /* key records under one name that are tried */
#define DKIM_PUBLIC_MAX ((size_t)4096)            /* octets of a public key */
#define DKIM_PRIVATE_MAX ((size_t)16 << 10)       /* octets of a private key in PEM form */
#define DKIM_RSA_BITS_MIN 1024                    /* RFC 8301 3.2, to verify */
#define DKIM_RSA_BITS_SIGN 2048                   /* to sign */
#define DKIM_RSA_BITS_MAX 4096
#define DKIM_CLOCK_SKEW 300                       /* seconds that t= may be in the future, or x= past */
#define DKIM_B_REPORTED 8                         /* characters of b= in reports, RFC 6008 4 */

/* reverse DNS: RFC 8601 3 */
#define IPREV_NAMES_MAX 10                        /* names of the client that are looked up */

/* DMARC */
#define DMARC_WALK_MAX 8                          /* questions of one walk up the tree */
#define DMARC_RUA_MAX 10                          /* addresses for reports that are kept; RFC 7489 6.2 asks for 2 */

/* Authentication-Results */
#define AUTHRES_VALUE_MAX 255                     /* octets kept of one value */
#define AUTHRES_COLUMNS 78                        /* RFC 5322 2.1.1 */
#define CHECK_LIMIT_MS_DEFAULT ((uint64_t)30 * 1000)

#endif
