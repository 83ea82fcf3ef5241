/* The keys with which domains sign their mail, kept as bytes: what they mean is mailauth's to know, how they are made and rotated app's. Threads: any.
 * Everything lies in the store's system scope; nothing is cached, but there is a version to cache by. */
#ifndef DIRECTORY_SIGNING_H
#define DIRECTORY_SIGNING_H

#include "directory/directory.h"

#define SIGNING_SELECTOR_MAX 63
#define SIGNING_PEM_MAX ((size_t)16 << 10)
#define SIGNING_KEYS_MAX 64                   /* of one domain */

/* Stored: the numbers stay. */
enum signing_algorithm { SIGNING_RSA = 1, SIGNING_ED25519 = 2 };
enum signing_state {
	SIGNING_DELETED = 0,                  /* only to say what a key shall become */
	SIGNING_PENDING = 1,                  /* published, or about to be; does not sign yet */
	SIGNING_ACTIVE = 2,                   /* signs */
	SIGNING_RETIRED = 3,                  /* signs no more; stays published for mail that is under way */
};

struct signing_key {
	struct str domain;                    /* canonical */
	struct str selector;                  /* lower case */
	enum signing_algorithm algorithm;
	enum signing_state state;
	int64_t created;                      /* unix seconds */
	int64_t changed;                      /* when it came into its state */
	int64_t until;                        /* retired: published until then at least; otherwise 0 */
	struct str pem;                       /* private, PKCS#8 */
};

/* All or none. created and changed are set to now, domain and selector are made canonical. ERR_NOT_FOUND (not our domain), ERR_EXISTS (a selector),
 * ERR_INVALID (a selector that is none), ERR_TOO_BIG. */
int directory_signing_add(struct directory *d, const struct signing_key *keys, size_t n, int64_t now, struct err *e);
/* The keys of a domain, or of all when it is empty, by domain and selector. Wipe what comes. An unknown domain has none. */
int directory_signing_list(struct directory *d, struct arena *a, struct str domain, struct signing_key **out, size_t *n_out);
void directory_signing_wipe(struct signing_key *keys, size_t n);

struct signing_change {
	struct str domain, selector;
	enum signing_state state;
	int64_t until;                        /* for SIGNING_RETIRED */
};
/* All or none, in one commit. ERR_NOT_FOUND: no such key. */
int directory_signing_change(struct directory *d, const struct signing_change *changes, size_t n, int64_t now, struct err *e);

/* Grows with every change of any key. Cheap. 0, or an error. */
int directory_signing_version(struct directory *d, uint64_t *out);

#endif
