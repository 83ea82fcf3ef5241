/* What a server says in answer to EHLO: RFC 5321 4.1.1.1. Pure; any thread; no allocation. */
#ifndef CODEC_SMTP_EHLO_H
#define CODEC_SMTP_EHLO_H

#include "base/str.h"

#include <stdint.h>

enum smtp_extension {
	SMTP_EXT_PIPELINING = 1,      /* RFC 2920 */
	SMTP_EXT_SIZE = 2,            /* RFC 1870 */
	SMTP_EXT_STARTTLS = 4,        /* RFC 3207 */
	SMTP_EXT_AUTH = 8,            /* RFC 4954 */
	SMTP_EXT_8BITMIME = 16,       /* RFC 6152 */
	SMTP_EXT_CHUNKING = 32,       /* RFC 3030 */
	SMTP_EXT_BINARYMIME = 64,     /* RFC 3030 */
	SMTP_EXT_SMTPUTF8 = 128,      /* RFC 6531 */
	SMTP_EXT_DSN = 256,           /* RFC 3461 */
	SMTP_EXT_DELIVERBY = 512,     /* RFC 2852 */
	SMTP_EXT_MT_PRIORITY = 1024,  /* RFC 6710 */
	SMTP_EXT_REQUIRETLS = 2048,   /* RFC 8689 */
};
enum smtp_auth_mechanism { SMTP_AUTH_PLAIN = 1, SMTP_AUTH_LOGIN = 2, SMTP_AUTH_SCRAM_SHA_256 = 4, SMTP_AUTH_SCRAM_SHA_1 = 8 };

struct smtp_ehlo {
	unsigned extensions;          /* enum smtp_extension */
	unsigned auth;                /* enum smtp_auth_mechanism: those we know */
	uint64_t size_max;            /* octets; 0: not said */
	uint64_t deliver_by_min;      /* seconds */
};
/* The text of one line after the first (which is a greeting): a keyword with its parameters. Unknown ones are passed over. */
void smtp_ehlo_line(struct smtp_ehlo *e, struct str text);

#endif
