/* Certificates by ACME: got when there is none that will do, renewed in time, handed to the server. One caller at a time (a periodic job). */
#ifndef APP_CERTIFICATES_H
#define APP_CERTIFICATES_H

#include "acme/acme.h"
#include "app/pages.h"
#include "rt/porter.h"
#include "rt/tls.h"

struct certificates_config {
	bool agree;                          /* to the authority's terms: nothing happens without */
	bool keep_key;                       /* a renewed certificate has the key of the former one */
	const char *directory, *ca_file, *contact, *names, *dns_hook, *eab_kid, *eab_key;      /* NULL: not given; names parted by spaces */
	int challenge;                       /* enum acme_challenge */
};
/* Into an arena. 0 or ERR_NO_MEMORY. */
int certificates_config_copy(const struct certificates_config *from, struct arena *a, struct certificates_config *out);

struct certificates;
/* stop: while it is set, nothing is begun and what is under way ends soon. */
int certificates_create(const char *data_dir, struct pages *pages, struct tls_challenges *challenges, const _Atomic bool *stop,
						struct certificates **out);
void certificates_destroy(struct certificates **c);          /* accepts NULL */

/* What the porter must know of a dns_hook. */
struct porter_program certificates_hook(const char *path);
/* The files, when a certificate is there. */
bool certificates_identity(struct certificates *c, struct tls_identity *out);
/* Looks whether one is needed; if so, gets it: may block for minutes. `names`: what it must hold, the most important first: where
 * the authority refuses the others, that one is got alone. 1: a new one is in place; 0: nothing to do; or an error,
 * logged already, after which nothing is tried for a while that grows. */
int certificates_run(struct certificates *c, const struct certificates_config *config, const struct str *names, size_t n, int64_t now);

#endif
