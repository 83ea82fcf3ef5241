/* What the HTTP listeners show: answers to http-01 challenges, the MTA-STS policies of our domains (RFC 8461 3.2), and how mail programs set themselves
 * up for them. Any thread. */
#ifndef APP_PAGES_H
#define APP_PAGES_H

#include "codec/smtp/sts.h"
#include "directory/directory.h"
#include "proto/http/http.h"

struct sts_config {
	int mode;                        /* enum sts_mode; STS_NONE: there is no policy */
	struct str mx;                   /* names, parted by spaces; empty: the host name */
	uint64_t max_age_ms;
};

struct pages;
int pages_create(struct directory *d, struct pages **out);
void pages_destroy(struct pages **p);                  /* accepts NULL */
struct app_config;
int pages_set_config(struct pages *p, const struct app_config *c);
struct http_service *pages_service(struct pages *p);   /* for listeners; lives with p */

/* http-01: what stands at /.well-known/acme-challenge/TOKEN. */
int pages_challenge_set(struct pages *p, struct str token, struct str value);
void pages_challenge_remove(struct pages *p, struct str token);

/* The policy's text, and its id for the TXT record: it changes exactly with the text (RFC 8461 3.1). Appends. */
void sts_policy_format(const struct sts_config *c, struct str hostname, struct buf *out);
int sts_policy_id(struct str policy, struct buf *out);

#endif
