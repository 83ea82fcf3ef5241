/* MTA-STS: the DNS record and the policy of RFC 8461 3.1, 3.2, and matching hosts by 4.1. Pure; any thread. */
#ifndef CODEC_SMTP_STS_H
#define CODEC_SMTP_STS_H

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STS_POLICY_MAX ((size_t)64 << 10)     /* octets; RFC 8461 3.3 */
#define STS_ID_MAX 32
#define STS_MX_MAX 1000                       /* mx fields; more are left out */
#define STS_MAX_AGE_MAX 31557600              /* seconds */

/* The id of a TXT record that is a usable one; false otherwise. is_sts_out: begins as one (more than one of those in an answer: none counts). */
bool sts_record_parse(struct str text, struct str *id_out, bool *is_sts_out);

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };
struct sts_policy {
	enum sts_mode mode;
	uint32_t max_age;                         /* seconds */
	const struct str *mx;                     /* "mail.example.com" or "*.example.net"; slices of the text */
	size_t n_mx;
};
/* NULL, or a static text that says what is wrong ("no memory" included). */
const char *sts_policy_parse(struct str text, struct arena *a, struct sts_policy *out);
/* RFC 8461 4.1: does a pattern match the host? A wildcard stands for exactly one label. */
bool sts_policy_matches(const struct sts_policy *p, struct str host);

#endif
